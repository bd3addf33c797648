//! Which engine of netfilter can have dropped a packet.
//!
//! Where a packet was freed by an engine itself its function says so. What an
//! engine gives back as a verdict is freed in `nf_hook_slow`, for all of them;
//! there the engines that this namespace uses tell, if it is only one.

mod namespace;

use std::collections::HashMap;

use self::namespace::{Reader, SystemReader};

/// Namespaces looked into in one interval.
const MOST_LOOKS: u32 = 64;

/// Namespaces remembered; beyond it the memory starts afresh.
const MOST_NAMESPACES: usize = 4096;

/// What nftables does with a packet that its rules drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nft {
    /// It gives back a verdict, and `nf_hook_slow` frees it (up to 6.6).
    Verdict,
    /// It frees it itself (`NF_DROP_REASON`, include/linux/netfilter.h, from
    /// 6.7 on).
    Frees,
}

impl Nft {
    /// Tells by the kernel's drop reasons (named without `SKB_DROP_REASON_`): an
    /// inline function leaves no trace of its own, so one of those for TCP-AO,
    /// which came in the same release, stands in.
    pub fn of(has_reason: impl Fn(&str) -> bool) -> Self {
        if has_reason("TCP_AONOTFOUND") {
            Self::Frees
        } else {
            Self::Verdict
        }
    }
}

/// What a namespace uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Engines {
    /// Tables of iptables, ip6tables or arptables (not by nftables).
    pub(super) xtables: bool,
    /// Services of IPVS.
    pub(super) ipvs: bool,
    /// Packets that conntrack dropped so far; `None` without conntrack.
    pub(super) conntrack: Option<u64>,
    /// nftables is there, in any namespace: whether it is used in this one takes
    /// `CAP_NET_ADMIN` to know.
    pub(super) nft: bool,
}

/// Looks into namespaces, once an interval each.
#[derive(Debug)]
pub struct Netfilter {
    nft: Nft,
    seen: HashMap<u32, Seen>,
    looks: u32,
    reader: Box<dyn Reader>,
}

#[derive(Debug)]
struct Seen {
    /// Conntrack's count at the look before this interval's.
    before: Option<u64>,
    engines: Option<Engines>,
    /// Looked at in this interval.
    fresh: bool,
}

impl Netfilter {
    /// `there`: the kernel has `nft_do_chain` from the start.
    #[must_use]
    pub fn new(nft: Nft, there: bool) -> Self {
        Self::with(nft, Box::new(SystemReader::new(there)))
    }

    fn with(nft: Nft, reader: Box<dyn Reader>) -> Self {
        Self {
            nft,
            seen: HashMap::new(),
            looks: 0,
            reader,
        }
    }

    /// From now on namespaces are looked into again.
    pub fn next_interval(&mut self) {
        self.looks = 0;
        for seen in self.seen.values_mut() {
            seen.fresh = false;
        }
    }

    /// The engine that dropped a packet freed in this function (suffixes of the
    /// compiler stripped): `nftables`, `xtables` or `conntrack`; `None` when it
    /// cannot be told.
    ///
    /// Neither ebtables nor BPF programs nor security modules leave a trace that
    /// could be read: give namespace 0 for drops on a bridge.
    pub fn engine(&mut self, netns: u32, function: &str) -> Option<&'static str> {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| function.starts_with(prefix));
        if starts(&["nft_"]) {
            if starts(&["nft_do_chain"]) {
                self.nft = Nft::Frees;
            }
            return Some("nftables");
        }
        if starts(&["ipt_", "ip6t_", "arpt_", "ebt_", "xt_"]) {
            return Some("xtables");
        }
        if starts(&["nf_conntrack_", "nf_confirm"]) {
            return Some("conntrack");
        }
        if !matches!(function, "nf_hook_slow" | "nf_hook_slow_list") || netns == 0 {
            return None;
        }
        self.only(netns)
    }

    /// The only engine that can have given back a verdict.
    fn only(&mut self, netns: u32) -> Option<&'static str> {
        self.look(netns);
        let seen = self.seen.get(&netns)?;
        let engines = seen.engines?;
        // A count from before the first look may be of now.
        let conntrack = engines.conntrack > Some(seen.before.unwrap_or_default());
        let candidates = [
            (engines.xtables, Some("xtables")),
            (conntrack, Some("conntrack")),
            (engines.nft && self.nft == Nft::Verdict, Some("nftables")),
            (engines.ipvs, None),
        ];
        let mut possible = candidates.iter().filter(|(possible, _)| *possible);
        match (possible.next(), possible.next()) {
            (Some((_, name)), None) => *name,
            _ => None,
        }
    }

    fn look(&mut self, netns: u32) {
        if self.seen.get(&netns).is_some_and(|seen| seen.fresh) || self.looks >= MOST_LOOKS {
            return;
        }
        self.looks += 1;
        if self.seen.len() >= MOST_NAMESPACES {
            self.seen.clear();
        }
        let engines = self.reader.read(netns);
        let before = self
            .seen
            .get(&netns)
            .and_then(|seen| seen.engines)
            .and_then(|engines| engines.conntrack);
        self.seen.insert(
            netns,
            Seen {
                before,
                engines,
                fresh: true,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Debug, Default)]
    struct Canned(Arc<Mutex<(Engines, u32)>>);

    impl Reader for Canned {
        fn read(&mut self, netns: u32) -> Option<Engines> {
            let mut canned = self.0.lock().unwrap();
            canned.1 += 1;
            (netns == 7).then_some(canned.0)
        }
    }

    fn with(nft: Nft, engines: Engines) -> (Netfilter, Canned) {
        let canned = Canned(Arc::new(Mutex::new((engines, 0))));
        (Netfilter::with(nft, Box::new(canned.clone())), canned)
    }

    fn only(nft: Nft, engines: Engines) -> Option<&'static str> {
        with(nft, engines).0.engine(7, "nf_hook_slow")
    }

    const XTABLES: Engines = Engines {
        xtables: true,
        ipvs: false,
        conntrack: Some(0),
        nft: true,
    };

    #[test]
    fn functions_of_an_engine_name_it_everywhere() {
        let (mut netfilter, canned) = with(Nft::Verdict, Engines::default());
        for (function, engine) in [
            ("nft_do_chain_inet", Some("nftables")),
            ("ipt_do_table", Some("xtables")),
            ("nf_conntrack_in", Some("conntrack")),
            ("nf_ct_frag6_gather", None),
            ("ip_rcv", None),
        ] {
            assert_eq!(netfilter.engine(0, function), engine, "{function}");
        }
        assert_eq!(canned.0.lock().unwrap().1, 0);
    }

    #[test]
    fn one_candidate_is_named_and_two_are_not() {
        assert_eq!(only(Nft::Frees, XTABLES), Some("xtables"));
        assert_eq!(only(Nft::Verdict, XTABLES), None);
        let nft = Engines {
            xtables: false,
            ..XTABLES
        };
        assert_eq!(only(Nft::Verdict, nft), Some("nftables"));
        assert_eq!(only(Nft::Frees, nft), None);
        let ipvs = Engines {
            ipvs: true,
            ..XTABLES
        };
        assert_eq!(only(Nft::Frees, ipvs), None);
        let conntrack = Engines {
            conntrack: Some(3),
            ..nft
        };
        assert_eq!(only(Nft::Frees, conntrack), Some("conntrack"));
        assert_eq!(only(Nft::Frees, Engines::default()), None);
    }

    #[test]
    fn a_drop_by_nftables_itself_tells_what_this_kernel_does() {
        let (mut netfilter, _) = with(Nft::Verdict, XTABLES);
        assert_eq!(netfilter.engine(7, "nf_hook_slow"), None);
        netfilter.engine(7, "nft_do_chain");
        assert_eq!(netfilter.engine(7, "nf_hook_slow"), Some("xtables"));
    }

    #[test]
    fn conntrack_counts_when_it_rises_and_is_read_once_an_interval() {
        let (mut netfilter, canned) = with(Nft::Frees, XTABLES);
        let count = |count| canned.0.lock().unwrap().0.conntrack = Some(count);
        count(5);
        assert_eq!(netfilter.engine(7, "nf_hook_slow"), None);
        netfilter.next_interval();
        assert_eq!(netfilter.engine(7, "nf_hook_slow"), Some("xtables"));
        count(6);
        assert_eq!(netfilter.engine(7, "nf_hook_slow"), Some("xtables"));
        assert_eq!(canned.0.lock().unwrap().1, 2);
        netfilter.next_interval();
        assert_eq!(netfilter.engine(7, "nf_hook_slow"), None);
    }

    #[test]
    fn a_namespace_that_cannot_be_read_has_no_known_engine() {
        let (mut netfilter, canned) = with(Nft::Frees, XTABLES);
        assert_eq!(netfilter.engine(8, "nf_hook_slow"), None);
        assert_eq!(netfilter.engine(0, "nf_hook_slow"), None);
        for netns in 100..1000 {
            netfilter.engine(netns, "nf_hook_slow");
        }
        assert_eq!(canned.0.lock().unwrap().1, MOST_LOOKS);
    }

    #[test]
    fn the_kernels_reasons_tell_what_nftables_does() {
        assert_eq!(Nft::of(|name| name == "TCP_AONOTFOUND"), Nft::Frees);
        assert_eq!(Nft::of(|name| name == "NO_SOCKET"), Nft::Verdict);
    }
}
