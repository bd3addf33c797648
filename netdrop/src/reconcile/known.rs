//! The counters of loss, which the build checked and turned into a table.

use std::{collections::HashMap, sync::LazyLock};

use super::fit::Fit;
use crate::host::counters::ethtool::speaks_of_loss;

// `static KNOWN`, from `data/reconcile.toml`.
include!(concat!(env!("OUT_DIR"), "/reconcile.rs"));

/// A counter of loss.
#[derive(Debug)]
pub(super) struct Known {
    /// Its name; each `*` stands for anything.
    pub(super) name: &'static str,
    /// What its numbers belong to.
    pub(super) of: Of,
    /// More specific counters.
    pub(super) includes: &'static [&'static str],
    /// Drops that it counts one for one.
    pub(super) drops: &'static [Fit],
    /// Drops that it may have counted.
    pub(super) maybe: &'static [Fit],
    /// What no drop event shows.
    pub(super) note: Option<&'static str>,
}

/// What a counter's numbers belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The network namespace.
    Netns,
    /// The whole host.
    Host,
    /// A device of the namespace.
    Device,
    /// The root queueing discipline of a device.
    Qdisc,
    /// The `ingress` or `clsact` of a device.
    Clsact,
}

/// The counters by name, without the patterns.
static BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static Known>>> = LazyLock::new(|| {
    let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
    for known in KNOWN.iter().filter(|known| !is_pattern(known)) {
        by_name.entry(known.name).or_default().push(known);
    }
    by_name
});

/// The patterns.
static PATTERNS: LazyLock<Vec<&'static Known>> =
    LazyLock::new(|| KNOWN.iter().filter(|known| is_pattern(known)).collect());

fn is_pattern(known: &Known) -> bool {
    known.name.contains('*')
}

/// Counters under this name: at most two, for different scopes. Asked for every
/// number of every interval.
pub(super) fn named(name: &str) -> impl Iterator<Item = &'static Known> {
    let known = BY_NAME.get(name).map(Vec::as_slice).unwrap_or_default();
    let patterns = known.is_empty().then(|| PATTERNS.iter()).into_iter();
    // The first that fits is meant.
    let pattern = patterns.flatten().find(|pattern| {
        matches(pattern.name, name) && name.strip_prefix("driver.").is_none_or(speaks_of_loss)
    });
    known.iter().chain(pattern).copied()
}

/// Does a name fit a pattern?
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let mut ends = (0..=name.len()).filter_map(|from| name.get(from..));
            ends.any(|end| matches(rest, end))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(of: &str) -> Vec<&'static str> {
        named(of).map(|known| known.name).collect()
    }

    #[test]
    fn patterns_stand_for_what_has_no_name_of_its_own() {
        assert_eq!(name("Udp.NoPorts"), ["Udp.NoPorts"]);
        assert_eq!(name("xfrm.XfrmInNoPols"), ["xfrm.*"]);
        assert_eq!(name("driver.rx_queue_0_xdp_drops"), ["driver.*xdp*drop*"]);
        assert_eq!(name("driver.rx_queue_0_drops"), ["driver.*"]);
        assert_eq!(name("qdisc.drops"), ["qdisc.drops", "qdisc.drops"]);
        for other in ["driver.rx_queue_0_packets", "Udp.InDatagrams", "Udp.NoPort"] {
            assert_eq!(name(other), Vec::<&str>::new(), "{other}");
        }
    }

    #[test]
    fn counters_that_others_include_have_lines_of_their_own() {
        for known in KNOWN {
            for included in known.includes {
                assert_ne!(known.name, *included);
                assert_eq!(named(included).next().unwrap().name, *included);
            }
        }
    }
}
