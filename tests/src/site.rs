//! Where packets die, kernel by kernel: the one table of expectations.
//!
//! A reason that a kernel does not know yet is NOT_SPECIFIED there, and null
//! where skb:kfree_skb has no reason argument; both follow from the running
//! kernel and need no line here. A line is needed where a death moved to another
//! function, or where a kernel knows the reason but does not give it yet.

use crate::kernel::Kernel;

/// A place of death.
pub(crate) type Site = [Since];

/// How a place looks from some version on.
pub(crate) struct Since {
    version: (u32, u32),
    reason: &'static str,
    /// Any of these, as inlining differs from build to build.
    functions: &'static [&'static str],
    stage: &'static str,
}

/// What must be seen on the running kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) reason: Option<&'static str>,
    pub(crate) functions: &'static [&'static str],
    pub(crate) stage: &'static str,
}

/// The site as this kernel shows it.
pub(crate) fn on(site: &Site, kernel: &Kernel) -> Option<Seen> {
    let since = site.iter().rev().find(|since| since.version <= kernel.version)?;
    Some(Seen {
        reason: kernel.reason(since.reason),
        functions: since.functions,
        stage: since.stage,
    })
}

const fn since(
    version: (u32, u32),
    reason: &'static str,
    functions: &'static [&'static str],
    stage: &'static str,
) -> Since {
    Since { version, reason, functions, stage }
}

const ALWAYS: (u32, u32) = (5, 10);

pub(crate) const UDP_NO_SOCKET: &Site = &[
    since(ALWAYS, "NO_SOCKET", &["__udp4_lib_rcv"], "rx_lookup"),
    since((7, 0), "NO_SOCKET", &["udp_rcv", "__udp4_lib_rcv"], "rx_lookup"),
];
pub(crate) const UDP6_NO_SOCKET: &Site = &[
    since(ALWAYS, "NO_SOCKET", &["__udp6_lib_rcv"], "rx_lookup"),
    since((7, 0), "NO_SOCKET", &["udpv6_rcv", "__udp6_lib_rcv"], "rx_lookup"),
];
pub(crate) const TCP_NO_SOCKET: &Site = &[since(ALWAYS, "NO_SOCKET", &["tcp_v4_rcv"], "rx_lookup")];
pub(crate) const UDP_RECEIVE_BUFFER: &Site =
    &[since(ALWAYS, "SOCKET_RCVBUFF", &["udp_queue_rcv_one_skb"], "rx_sock")];
