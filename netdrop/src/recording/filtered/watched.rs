//! The connections of a recording as the kernel side told them: all of them in every
//! interval. A recording only tells what is new.

use std::collections::{HashMap, HashSet};

use netdrop_ebpf::hurt::{Connection, Followed as Counts};

use crate::{
    kernel::snapshot::{Followed, Snapshot},
    tally::consequences,
};

/// What the recording told of each last.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched(HashMap<Connection, Counts>);

impl Watched {
    /// Adds those of which packets died in an interval that tells nothing new of them.
    pub(super) fn complete(&mut self, snapshot: &mut Snapshot) {
        let Snapshot {
            flows, aftermath, ..
        } = snapshot;
        let Some(aftermath) = aftermath else { return };
        let told = aftermath.connections.iter();
        let mut told: HashSet<Connection> = told.map(|one| one.connection).collect();
        for one in &aftermath.connections {
            if one.removed {
                self.0.remove(&one.connection);
            } else {
                self.0.insert(one.connection, one.counts);
            }
        }
        for (key, _) in flows.iter().flatten() {
            if let Some((connection, _)) = consequences::connection(key)
                && told.insert(connection)
                && let Some(counts) = self.0.get(&connection)
            {
                aftermath.connections.push(Followed {
                    connection,
                    counts: *counts,
                    removed: false,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use netdrop_ebpf::{
        area::Weights,
        flow::FlowKey,
        site::{SiteKey, state},
    };

    use super::*;
    use crate::kernel::snapshot::Aftermath;

    fn flow() -> FlowKey {
        FlowKey {
            site: SiteKey {
                netns: 7,
                ethertype: 0x0800,
                protocol: 6,
                state: state::FLOW,
                ..SiteKey::default()
            },
            ..FlowKey::default()
        }
    }

    fn interval(news: &[Followed], flows: &[FlowKey]) -> Snapshot {
        let flows = flows.iter().map(|flow| (*flow, Weights::default()));
        Snapshot {
            flows: Some(flows.collect()),
            aftermath: Some(Aftermath {
                connections: news.to_vec(),
                ..Aftermath::default()
            }),
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_connection_is_told_wherever_its_packets_die_until_it_is_removed() {
        let (connection, _) = consequences::connection(&flow()).unwrap();
        let followed = |count, removed| Followed {
            connection,
            counts: [[count, 0, 0], [0; 3], [0; 3]],
            removed,
        };
        let mut watched = Watched::default();
        for (news, flows, told) in [
            (&[][..], &[flow()][..], &[][..]),
            (&[followed(2, false)], &[flow()], &[followed(2, false)]),
            (&[], &[], &[]),
            (&[], &[flow(), flow()], &[followed(2, false)]),
            (&[followed(5, false)], &[], &[followed(5, false)]),
            (&[], &[flow()], &[followed(5, false)]),
            (&[followed(5, true)], &[flow()], &[followed(5, true)]),
            (&[], &[flow()], &[]),
        ] {
            let mut snapshot = interval(news, flows);
            watched.complete(&mut snapshot);
            assert_eq!(snapshot.aftermath.unwrap().connections, told);
        }
    }
}
