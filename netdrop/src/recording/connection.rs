//! Which connections a recording follows, and what is new of them.

use std::collections::{HashMap, HashSet};

use netdrop_ebpf::hurt::{Connection, Consequence, Followed};

use crate::kernel::snapshot;

/// What may follow a drop, in the words of a recording.
pub(super) const WHAT: [(Consequence, &str); 3] = [
    (Consequence::Retransmit, "retransmit"),
    (Consequence::ResetSent, "reset_sent"),
    (Consequence::ResetReceived, "reset_received"),
];

/// Whose drops it followed: those of the end in `src`, in `dst`, of both.
pub(super) const ENDS: [&str; 3] = ["src", "dst", "both"];

/// A connection in the kernel's table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    counts: Followed,
    /// Counted before the file knew the connection.
    base: Followed,
    /// Does the file know it?
    listed: bool,
}

/// What the file does not know yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) connection: Connection,
    /// Since the file knows it.
    pub(super) counts: Followed,
    pub(super) removed: bool,
}

impl Known {
    /// Takes what the kernel counted so far; returns what the file must learn.
    /// A connection is in the file from its first flow there on.
    pub(super) fn news(
        known: &mut HashMap<Connection, Self>,
        followed: &[snapshot::Followed],
        listed: &HashSet<Connection>,
    ) -> Vec<News> {
        let mut news = Vec::new();
        for followed in followed {
            let connection = followed.connection;
            let one = known.entry(connection).or_default();
            let is_new = !one.listed;
            if is_new {
                one.base = one.counts;
                one.listed = listed.contains(&connection);
            }
            let changed = is_new || one.counts != followed.counts;
            one.counts = followed.counts;
            if one.listed && (changed || followed.removed) {
                news.push(News {
                    connection,
                    counts: minus(&one.counts, &one.base),
                    removed: followed.removed,
                });
            }
            if followed.removed {
                known.remove(&connection);
            }
        }
        news
    }

    /// In a file that begins now and goes on with another.
    pub(super) fn continued(&self) -> Self {
        Self {
            base: self.counts,
            ..*self
        }
    }

    /// In a file that begins now and knows nothing before.
    pub(super) fn afresh(&self) -> Self {
        Self {
            base: self.counts,
            listed: false,
            ..*self
        }
    }
}

fn minus(now: &Followed, before: &Followed) -> Followed {
    let mut left = *now;
    for (row, before) in left.iter_mut().zip(before) {
        for (count, before) in row.iter_mut().zip(before) {
            *count = count.saturating_sub(*before);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(count: u32, removed: bool) -> [snapshot::Followed; 1] {
        [snapshot::Followed {
            connection: Connection::default(),
            counts: [[count, 0, 0], [0; 3], [0; 3]],
            removed,
        }]
    }

    #[test]
    fn a_connection_is_told_from_its_first_flow_on_and_only_when_it_changes() {
        let mut known = HashMap::new();
        let one = HashSet::from([Connection::default()]);
        let mut news = |count, removed, listed: &HashSet<Connection>| {
            Known::news(&mut known, &followed(count, removed), listed)
                .first()
                .map(|news| (news.counts[0][0], news.removed))
        };
        assert_eq!(news(2, false, &HashSet::new()), None);
        // The two belong to drops that the file does not know.
        assert_eq!(news(5, false, &one), Some((3, false)));
        assert_eq!(news(5, false, &one), None);
        assert_eq!(news(6, false, &HashSet::new()), Some((4, false)));
        assert_eq!(news(6, true, &HashSet::new()), Some((4, true)));
        // It is another one now.
        assert_eq!(news(1, false, &one), Some((1, false)));
    }
}
