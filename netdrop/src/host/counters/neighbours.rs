//! The tables of neighbours (`RTM_GETNEIGHTBL`). They are the host's: every
//! namespace's neighbours stand in them.

use std::io;

use nix::sys::socket::SockProtocol;

use crate::host::netlink::{attributes, dump, longs, text, word};

const RTM_GETNEIGHTBL: u16 = 66;
/// Length of `struct ndtmsg` (include/uapi/linux/neighbour.h).
const FIXED: usize = 4;

const NDTA_NAME: u16 = 1;
const NDTA_THRESH1: u16 = 2;
const NDTA_THRESH2: u16 = 3;
const NDTA_THRESH3: u16 = 4;
const NDTA_CONFIG: u16 = 5;
const NDTA_STATS: u16 = 7;

/// `struct ndt_stats`, in its order.
const STATISTICS: [&str; 11] = [
    "allocs",
    "destroys",
    "hash_grows",
    "res_failed",
    "lookups",
    "hits",
    "rcv_probes_mcast",
    "rcv_probes_ucast",
    "periodic_gc_runs",
    "forced_gc_runs",
    "table_fulls",
];

/// A table of neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeighbourTable {
    /// `arp_cache` or `ndisc_cache`.
    pub name: String,
    /// Neighbours in it.
    pub entries: Option<u32>,
    /// `gc_thresh1` to `gc_thresh3`: it cannot grow beyond the last.
    pub thresholds: [Option<u32>; 3],
    /// Counters by name, as far as this kernel has them.
    pub statistics: Vec<(&'static str, u64)>,
}

/// The tables of the host.
pub(super) fn read() -> io::Result<Vec<NeighbourTable>> {
    dump(
        SockProtocol::NetlinkRoute,
        RTM_GETNEIGHTBL,
        &[0; FIXED],
        parse,
    )
}

/// `None` for the parameters of one device, which stand in messages of their own.
fn parse(payload: &[u8]) -> Option<NeighbourTable> {
    let mut table = NeighbourTable::default();
    for (kind, value) in attributes(payload, FIXED) {
        match kind {
            NDTA_NAME => table.name = text(value),
            NDTA_THRESH1 => table.thresholds[0] = word(value, 0),
            NDTA_THRESH2 => table.thresholds[1] = word(value, 0),
            NDTA_THRESH3 => table.thresholds[2] = word(value, 0),
            // struct ndt_config: two 16-bit sizes, then the entries.
            NDTA_CONFIG => table.entries = word(value, 4),
            NDTA_STATS => table.statistics = STATISTICS.into_iter().zip(longs(value)).collect(),
            _ => {}
        }
    }
    table.entries.map(|_| table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_kernel_has_a_table_for_arp() {
        let tables = read().unwrap();
        let arp = tables
            .iter()
            .find(|table| table.name == "arp_cache")
            .unwrap();
        assert!(arp.thresholds[2].is_some_and(|most| most > 0));
        assert!(arp.statistics.iter().any(|(name, _)| *name == "res_failed"));
    }
}
