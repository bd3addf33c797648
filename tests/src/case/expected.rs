//! What netdrop must say of the drops that a scenario makes.

use serde_json::Value;

use super::flow::{Flow, Whose};
use crate::{
    counter::Counter,
    lab::Namespace,
    netdrop::record::Row,
    site::{Seen, Site},
};

/// How many drops there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Exactly(u64),
    /// As many as the counter says, and more than none.
    AsCounted,
}

/// Drops that must be seen: where, whose, how many, and who else counts them.
pub(crate) struct Drops<'a> {
    pub(crate) site: &'static Site,
    pub(crate) counter: Option<Counter<'a>>,
    pub(crate) count: Count,
    pub(super) netns: u32,
    /// The namespace need not be known, and the device is not looked at.
    lost: bool,
    device: Option<&'static str>,
    whose: Whose,
    length: Option<u64>,
    segments: u64,
    pub(super) crowded: bool,
}

/// What rows must sum up to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    pub(super) drops: u64,
    pub(super) packets: u64,
    /// `None`: not looked at.
    pub(super) bytes: Option<u64>,
}

impl std::ops::Add for Whole {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            drops: self.drops + other.drops,
            packets: self.packets + other.packets,
            bytes: self.bytes.zip(other.bytes).map(|(own, other)| own + other),
        }
    }
}

impl<'a> Drops<'a> {
    /// Drops at a site in a namespace, on no device until `device` says so.
    pub(crate) fn at(site: &'static Site, namespace: &Namespace, count: Count) -> Self {
        Self {
            site,
            counter: None,
            count,
            netns: namespace.inode(),
            lost: false,
            device: None,
            whose: Whose::Anybody,
            length: None,
            segments: 1,
            crowded: false,
        }
    }

    /// The device of the packets.
    pub(crate) fn device(self, device: &'static str) -> Self {
        Self {
            device: Some(device),
            ..self
        }
    }

    /// The packets' flow; without it the flow is not looked at.
    pub(crate) fn flow(self, flow: Flow) -> Self {
        self.flows([flow])
    }

    /// The packets' flows, with as many packets of each.
    pub(crate) fn flows(self, flows: impl IntoIterator<Item = Flow>) -> Self {
        Self {
            whose: Whose::Flows(flows.into_iter().collect()),
            ..self
        }
    }

    /// The packets are of this protocol and have no addresses.
    pub(crate) fn without_flow(self, protocol: &'static str) -> Self {
        Self {
            whose: Whose::Nobody(protocol),
            ..self
        }
    }

    /// The length of each packet in bytes, from the network header on.
    pub(crate) fn length(self, length: u64) -> Self {
        Self {
            length: Some(length),
            ..self
        }
    }

    /// The packets that each drop stands for, if more than one.
    pub(crate) fn segments(self, segments: u64) -> Self {
        Self { segments, ..self }
    }

    /// Packets that have lost their device, and with it perhaps the namespace: the
    /// flow tells whose they are. No other namespace may be named.
    pub(crate) fn anywhere(self) -> Self {
        Self {
            lost: true,
            crowded: true,
            ..self
        }
    }

    /// Others die in the same place, as the host's own multicast does.
    pub(crate) fn crowded(self) -> Self {
        Self {
            crowded: true,
            ..self
        }
    }

    /// The kernel's counter that moves with these drops, one for one.
    pub(crate) fn counted_by(self, counter: Counter<'a>) -> Self {
        Self {
            counter: Some(counter),
            ..self
        }
    }

    /// What so many of these drops sum up to.
    pub(super) fn whole(&self, count: u64) -> Whole {
        Whole {
            drops: count,
            packets: count * self.segments,
            bytes: self.length.map(|length| count * length),
        }
    }

    /// The rows of these drops.
    pub(super) fn rows<'r>(&self, seen: &Seen, rows: &'r [Row]) -> Vec<&'r Row> {
        rows.iter()
            .filter(|row| self.is_at(seen, row) && self.is_ours(row))
            .collect()
    }

    /// What the rows have that they should not, or lack. `beside` are all drops
    /// that are expected at the place; `ours` are the rows of these drops and of
    /// those that nothing but a reason would tell apart, where the kernel has none,
    /// and `whole` is what they must sum up to.
    pub(super) fn against(
        &self,
        seen: &Seen,
        beside: u64,
        whole: &Whole,
        ours: &[&Row],
        rows: &[Row],
    ) -> Vec<String> {
        let Whole {
            drops: count,
            packets: wanted_packets,
            bytes: wanted_bytes,
        } = *whole;
        let at_site: Vec<&Row> = rows.iter().filter(|row| self.is_at(seen, row)).collect();
        let sum =
            |rows: &[&Row], count: fn(&Row) -> u64| rows.iter().map(|row| count(row)).sum::<u64>();
        let found = sum(ours, |row| row.drops);
        let mut complaints = Vec::new();
        if found != count {
            let near: Vec<String> = rows
                .iter()
                .filter(|row| *row.key("netns") == self.netns || (self.lost && seen.is_of(row)))
                .map(|row| format!("\n    {}", shown(row)))
                .collect();
            complaints.push(format!(
                "{found} drops, not {count}, of {} in the rows; of this namespace are{}",
                self.wanted(seen),
                near.concat()
            ));
            return complaints;
        }
        let all = sum(&at_site, |row| row.drops);
        if all != beside && !self.crowded {
            let rows: Vec<String> = at_site
                .iter()
                .map(|row| format!("\n    {}", shown(row)))
                .collect();
            complaints.push(format!(
                "{all} drops, not {beside}, at {:?}:{}",
                seen.functions,
                rows.concat()
            ));
        }
        if let Whose::Flows(flows) = &self.whose
            && flows.len() > 1
        {
            for flow in flows {
                let of_flow: Vec<&Row> =
                    ours.iter().copied().filter(|row| flow.is_of(row)).collect();
                let found = sum(&of_flow, |row| row.drops);
                if found * flows.len() as u64 != count {
                    complaints.push(format!(
                        "{found} of {count} drops, not a share of 1 in {}, of {flow:?}",
                        flows.len()
                    ));
                }
            }
        }
        let packets = sum(ours, |row| row.packets);
        if packets != wanted_packets {
            complaints.push(format!(
                "{packets} packets, not {wanted_packets}, of {}",
                self.wanted(seen)
            ));
        }
        let bytes = sum(ours, |row| row.bytes);
        if wanted_bytes.is_some_and(|wanted| wanted != bytes) {
            complaints.push(format!(
                "{bytes} bytes, not {wanted_bytes:?}, of {}",
                self.wanted(seen)
            ));
        }
        for row in ours {
            if row.severity != seen.severity || row.of(seen.severity) != row.drops {
                complaints.push(format!("not {:?}: {}", seen.severity, shown(row)));
            }
            for (key, wanted) in seen.keys {
                let found = row.key(key);
                if *found != Value::from(wanted) {
                    complaints.push(format!(
                        "{key} {found}, not {}: {}",
                        wanted.unwrap_or("null"),
                        shown(row)
                    ));
                }
            }
        }
        complaints
    }

    fn is_at(&self, seen: &Seen, row: &Row) -> bool {
        let netns = row.key("netns");
        (*netns == self.netns || (self.lost && netns.is_null())) && seen.is_of(row)
    }

    fn is_ours(&self, row: &Row) -> bool {
        (self.lost || *row.key("device") == Value::from(self.device)) && self.whose.is_of(row)
    }

    fn wanted(&self, seen: &Seen) -> String {
        format!(
            "{} at {} on {} of {:?}",
            seen.reason.unwrap_or("null"),
            seen.functions.join(" or "),
            self.device.unwrap_or("null"),
            self.whose
        )
    }
}

/// Rows of a flow of which none may be.
pub(super) fn unwanted(netns: u32, flow: &Flow, rows: &[Row]) -> Option<String> {
    let row = rows
        .iter()
        .find(|row| *row.key("netns") == netns && flow.is_of(row))?;
    Some(format!("a drop that was none: {}", shown(row)))
}

/// A row as its keys and its drops.
fn shown(row: &Row) -> String {
    format!(
        "{} drops, {:?}: {}",
        row.drops,
        row.severity,
        Value::from(row.keys.clone())
    )
}
