//! Small networks out of namespaces and veth pairs. A lab comes up with static
//! neighbours, without duplicate address detection, router solicitations and
//! offloads, so that only what a scenario sends is on the wire; it goes away
//! when dropped.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use anyhow::Result;

mod command;
mod namespace;
mod sysctl;

pub(crate) use self::{command::output, namespace::Namespace, sysctl::GlobalSysctl};

/// A hardware address.
pub(crate) type Mac = [u8; 6];

/// One end of a lab's link: the device and its addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) device: &'static str,
    pub(crate) mac: Mac,
    pub(crate) v4: Ipv4Addr,
    pub(crate) v6: Ipv6Addr,
}

impl End {
    const fn new(device: &'static str, network: u8, host: u8) -> Self {
        Self {
            device,
            mac: [2, 0, 0, 0, network, host],
            v4: Ipv4Addr::new(10, 99, network, host),
            v6: Ipv6Addr::new(0xfd99, 0, 0, network as u16, 0, 0, 0, host as u16),
        }
    }
}

/// The sender's end of the first link.
pub(crate) const A: End = End::new("a0", 0, 1);
/// The receiver's (or router's) end of the first link.
pub(crate) const B: End = End::new("b0", 0, 2);
/// The router's end of the second link.
pub(crate) const R: End = End::new("r0", 1, 1);
/// The far end of the second link.
pub(crate) const C: End = End::new("c0", 1, 2);
/// An address behind A's hardware address that no stack owns: what is sent from
/// it gets answers that nobody answers in turn.
pub(crate) const GHOST: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 77);

/// Namespaces a and b, linked a0 to b0.
pub(crate) struct Pair {
    pub(crate) a: Namespace,
    pub(crate) b: Namespace,
}

impl Pair {
    /// Builds the two namespaces and their link.
    pub(crate) fn new() -> Result<Self> {
        let lab = lab_number();
        let (a, b) = (namespace(lab, "a")?, namespace(lab, "b")?);
        link(&a, A, &b, B)?;
        b.ip(&[&format!(
            "neigh add {GHOST} lladdr {} dev {} nud permanent",
            text(A.mac),
            B.device
        )])?;
        Ok(Self { a, b })
    }
}

/// Namespaces a, b and c in a row; b forwards.
pub(crate) struct Row {
    pub(crate) a: Namespace,
    pub(crate) b: Namespace,
    _c: Namespace,
}

impl Row {
    /// Builds the three namespaces, the two links and the routes.
    pub(crate) fn new() -> Result<Self> {
        let Pair { a, b } = Pair::new()?;
        let c = namespace(lab_number(), "c")?;
        link(&b, R, &c, C)?;
        b.sysctl("net.ipv4.ip_forward", "1")?;
        b.sysctl("net.ipv6.conf.all.forwarding", "1")?;
        a.ip(&[
            &format!("route add 0.0.0.0/0 via {} dev {}", B.v4, A.device),
            &format!("route add ::/0 via {} dev {}", B.v6, A.device),
        ])?;
        c.ip(&[
            &format!("route add 0.0.0.0/0 via {} dev {}", R.v4, C.device),
            &format!("route add ::/0 via {} dev {}", R.v6, C.device),
        ])?;
        Ok(Self { a, b, _c: c })
    }
}

/// Namespaces a and c, linked to the bridge br0 of namespace b by its ports b0
/// and r0.
pub(crate) struct Bridged {
    pub(crate) a: Namespace,
    pub(crate) b: Namespace,
    _c: Namespace,
}

impl Bridged {
    /// Builds the three namespaces, the two links and the bridge.
    pub(crate) fn new() -> Result<Self> {
        let Pair { a, b } = Pair::new()?;
        let c = namespace(lab_number(), "c")?;
        link(&b, R, &c, C)?;
        b.offer(
            "ip",
            "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
        )?;
        b.ip(&[
            &format!("addr flush dev {}", B.device),
            &format!("addr flush dev {}", R.device),
            &format!("link set {} master br0", B.device),
            &format!("link set {} master br0", R.device),
            "link set br0 up",
        ])?;
        Ok(Self { a, b, _c: c })
    }
}

/// A hardware address as `ip` and `nft` write it.
pub(crate) fn text(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// The IPv4 or IPv6 address of an end.
pub(crate) fn address(end: End, v6: bool) -> IpAddr {
    if v6 { end.v6.into() } else { end.v4.into() }
}

fn lab_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn namespace(lab: u32, letter: &str) -> Result<Namespace> {
    Namespace::new(&format!("nd{}-{lab}{letter}", std::process::id()))
}

/// Lays a link between two namespaces and brings up both ends.
fn link(
    left_namespace: &Namespace,
    left: End,
    right_namespace: &Namespace,
    right: End,
) -> Result<()> {
    output(
        "ip",
        &format!(
            "link add {} netns {} address {} type veth peer name {} netns {} address {}",
            left.device,
            left_namespace.name(),
            text(left.mac),
            right.device,
            right_namespace.name(),
            text(right.mac)
        ),
    )?;
    let ends = [
        (left_namespace, left, right),
        (right_namespace, right, left),
    ];
    for (namespace, End { device, v4, v6, .. }, _) in ends {
        namespace.ip(&[
            &format!("addr add {v4}/24 dev {device}"),
            &format!("addr add {v6}/64 dev {device} nodad"),
            &format!("link set {device} up"),
        ])?;
        namespace.run(
            "ethtool",
            &format!("-K {device} tx off rx off sg off tso off gso off gro off"),
        )?;
    }
    for (namespace, End { device, .. }, peer) in ends {
        let mac = text(peer.mac);
        namespace.ip(&[
            &format!(
                "neigh replace {} lladdr {mac} dev {device} nud permanent",
                peer.v4
            ),
            &format!(
                "neigh replace {} lladdr {mac} dev {device} nud permanent",
                peer.v6
            ),
        ])?;
    }
    for (namespace, End { device, .. }, _) in ends {
        await_multicast_route(namespace, device)?;
    }
    Ok(())
}

/// Waits, but not for ever, until IPv6 multicast has a route on the device: the
/// kernel adds it some moments after the link is up, and until then has no route
/// for what comes in.
fn await_multicast_route(namespace: &Namespace, device: &str) -> Result<()> {
    for _ in 0..100 {
        let routes = namespace.run("ip", &format!("-6 route show table all dev {device}"))?;
        if routes.contains("ff00::/8") {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
