//! From connections to rows: which rows' drops a retransmission or reset
//! followed.

use std::collections::HashMap;

use netdrop_ebpf::{
    flow::FlowKey,
    hurt::{Connection, Followed, MAPPED, is_swapped},
    site::state,
};

use super::{
    group::Group,
    harm::{Counts, Here},
    protocol,
    sheet::Sheet,
};
use crate::kernel::snapshot::Aftermath;

/// The connection of a flow and which of its ends sent the dropped packets;
/// `None` where that was not read.
pub(crate) fn connection(key: &FlowKey) -> Option<(Connection, usize)> {
    let FlowKey { site, addrs, .. } = key;
    let read = state::FLOW | state::NO_TRANSPORT;
    if !protocol::is_tcp(site) || site.state & read != state::FLOW || site.netns == 0 {
        return None;
    }
    let words = |address: [u8; 16]| {
        let word = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|byte| address[at * 4 + byte]));
        if protocol::is_ipv4(site) {
            [0, 0, MAPPED, word(0)]
        } else {
            [0, 1, 2, 3].map(word)
        }
    };
    let (src, dst) = (words(addrs.src), words(addrs.dst));
    let ports = (addrs.src_port, addrs.dst_port);
    let swapped = is_swapped(ports, |index| (src[index], dst[index]));
    let connection = Connection {
        addresses: if swapped { [dst, src] } else { [src, dst] },
        ports: if swapped {
            [ports.1, ports.0]
        } else {
            ports.into()
        },
        netns: site.netns,
    };
    Some((connection, usize::from(swapped)))
}

/// A row that counts drops of a connection.
#[derive(Clone, Debug)]
struct Line {
    group: Group,
    /// Of which ends, first and second.
    ends: [bool; 2],
    /// Of which ends in this interval.
    now: [bool; 2],
}

/// A connection in the kernel's table.
#[derive(Clone, Debug, Default)]
struct Known {
    counts: Followed,
    /// What of it has been given to rows.
    credited: Followed,
    /// Does only one of its ends live here?
    alone: bool,
    removed: bool,
    /// Did any packet of it die in a snapshot so far, shown or hidden?
    dropped: bool,
    lines: Vec<Line>,
}

/// The connections whose drops may still have consequences, and their rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Consequences {
    known: HashMap<Connection, Known>,
}

impl Consequences {
    /// Takes what the kernel counted so far.
    pub(super) fn read(&mut self, aftermath: &Aftermath) {
        for followed in &aftermath.connections {
            let known = self.known.entry(followed.connection).or_default();
            known.counts = followed.counts;
            known.removed = followed.removed;
        }
    }

    /// Is the connection in the table? If it is not although a packet of it
    /// died, the table was full.
    pub(super) fn knows(&self, connection: &Connection) -> bool {
        self.known.contains_key(connection)
    }

    /// Packets of this end of a connection died in this interval, and stand in
    /// this row.
    pub(super) fn dropped(
        &mut self,
        connection: &Connection,
        end: usize,
        here: Option<Here>,
        group: &Group,
    ) {
        let Some(Known {
            lines,
            alone,
            dropped,
            ..
        }) = self.known.get_mut(connection)
        else {
            return;
        };
        *dropped = true;
        if lines.is_empty() {
            *alone = matches!(here, Some(Here::Src | Here::Dst));
        }
        let index = lines.iter().position(|line| line.group == *group);
        let index = index.unwrap_or_else(|| {
            lines.push(Line {
                group: *group,
                ends: [false; 2],
                now: [false; 2],
            });
            lines.len() - 1
        });
        lines[index].ends[end] = true;
        lines[index].now[end] = true;
    }

    /// Packets of a connection died in this interval, but stand in no row.
    pub(super) fn hidden(&mut self, connection: &Connection) {
        if let Some(known) = self.known.get_mut(connection) {
            known.dropped = true;
        }
    }

    /// Gives what is new to the rows: to those of the interval what followed the
    /// drops in it, to those of the run what the interval's do not bring there.
    pub(super) fn settle(&mut self, interval: &mut Sheet, run: &mut Sheet) {
        self.known.retain(|_, known| {
            let Known {
                counts,
                credited,
                alone,
                removed,
                dropped,
                lines,
            } = known;
            for line in &mut *lines {
                let now = Counts::grown(counts, credited, std::mem::take(&mut line.now), *alone);
                let all = Counts::grown(counts, credited, line.ends, *alone);
                if !now.is_zero() {
                    interval.credit(&line.group, now);
                }
                let later = all.less(now);
                if !later.is_zero() {
                    run.credit(&line.group, later);
                }
            }
            // Drops counted after the interval's end may have consequences
            // already; their rows are in the next.
            if *dropped {
                *credited = *counts;
            }
            !*removed
        });
    }
}
