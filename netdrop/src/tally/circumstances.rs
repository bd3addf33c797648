//! What the drops of a row have in common, for advice.
//!
//! A row has only the keys of `--by`; the sites of its drops know their reason,
//! stage, function, device and namespace. What all of them share can be told of
//! the row, what they do not share is left open.

use std::collections::HashMap;

use netdrop_ebpf::site::SiteKey;

use super::{
    intern::Name,
    names::{Names, Severity},
    packet::Drop,
    row::{Row, Value},
    site::{Site, Sites},
};
use crate::drops::{
    advice::Advice,
    next::{Place, Values},
};

/// Advice given at most, the rows that lose most first.
const MOST_ADVICE: usize = 5;

/// Circumstances remembered at most; those of later drops give no advice.
const MOST: usize = 16_384;

/// Keys that only flows have.
const OF_FLOWS: [&str; 4] = ["src", "src_port", "dst", "dst_port"];

/// Everything but the flow that tells drops apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Circumstance {
    stage: Option<Name>,
    reason: Option<Name>,
    function: Option<Name>,
    device: Option<Name>,
    ifindex: u32,
    netns: u32,
    cpu: u32,
    protocol: Option<Name>,
    direction: Option<Name>,
    severity: Severity,
}

/// The circumstances of drops, with their number.
#[derive(Clone, Debug, Default)]
pub(super) struct Circumstances {
    drops: HashMap<Circumstance, u64>,
    places: HashMap<u32, Place>,
}

/// Drops of one reason in one stage.
#[derive(Debug)]
struct Alike<'a> {
    drops: u64,
    reason: Option<Name>,
    stage: Option<Name>,
    members: Vec<&'a Circumstance>,
}

impl Circumstances {
    pub(super) fn clear(&mut self) {
        self.drops.clear();
        self.places.clear();
    }

    /// Adds the drops of a site.
    pub(super) fn add(
        &mut self,
        key: &SiteKey,
        site: &Site,
        drops: u64,
        sites: &mut Sites,
        names: &mut dyn Names,
    ) {
        let circumstance = Circumstance {
            stage: site.stage,
            reason: site.reason,
            function: site.function,
            device: sites.device(key, names),
            ifindex: key.ifindex,
            netns: key.netns,
            cpu: key.cpu.into(),
            protocol: site.protocol,
            direction: site.direction,
            severity: site.severity,
        };
        if let Some(known) = self.drops.get_mut(&circumstance) {
            *known += drops;
        } else if self.drops.len() < MOST {
            self.drops.insert(circumstance, drops);
        }
        self.places
            .entry(key.netns)
            .or_insert_with(|| names.netns_place(key.netns));
    }

    /// Adds those of an interval.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (circumstance, drops) in &other.drops {
            if self.drops.len() < MOST || self.drops.contains_key(circumstance) {
                *self.drops.entry(*circumstance).or_default() += drops;
            }
        }
        for (netns, place) in &other.places {
            self.places.insert(*netns, place.clone());
        }
    }

    /// Advice about the rows, each reason and stage once.
    pub(super) fn advice(&self, rows: &[Row], sites: &Sites) -> Vec<Advice> {
        let mut given = Vec::new();
        let mut advice = Vec::new();
        for row in rows.iter().filter(|row| row.other.is_none()) {
            for alike in self.alike(row, sites) {
                let pair = (alike.reason, alike.stage);
                if advice.len() < MOST_ADVICE && !given.contains(&pair) {
                    given.push(pair);
                    advice.extend(self.about(&alike, row, sites));
                }
            }
        }
        advice
    }

    /// The drops that a row may stand for, by reason and stage, most first.
    fn alike(&self, row: &Row, sites: &Sites) -> Vec<Alike<'_>> {
        let mut found: Vec<Alike<'_>> = Vec::new();
        for (circumstance, drops) in &self.drops {
            if !circumstance.is_of(row, sites) {
                continue;
            }
            let Circumstance { reason, stage, .. } = *circumstance;
            let alike = found
                .iter_mut()
                .find(|alike| (alike.reason, alike.stage) == (reason, stage));
            match alike {
                Some(alike) => {
                    alike.drops += drops;
                    alike.members.push(circumstance);
                }
                None => found.push(Alike {
                    drops: *drops,
                    reason,
                    stage,
                    members: vec![circumstance],
                }),
            }
        }
        // A site does not know which of its flows died of what.
        let has_flow = row
            .fields
            .iter()
            .any(|field| OF_FLOWS.contains(&field.name));
        if has_flow && found.len() > 1 {
            return Vec::new();
        }
        let name = |name: Option<Name>| name.map(|name| sites.interner.text(name));
        found.sort_by(|a, b| {
            let names = |alike: &Alike<'_>| (name(alike.reason), name(alike.stage));
            b.drops.cmp(&a.drops).then_with(|| names(a).cmp(&names(b)))
        });
        found
    }

    fn about(&self, alike: &Alike<'_>, row: &Row, sites: &Sites) -> Option<Advice> {
        let text = |name: Option<Name>| name.map(|name| sites.interner.text(name).to_string());
        let members = &alike.members;
        let netns = shared(members, |member| Some(member.netns));
        let values = Values {
            device: text(shared(members, |member| member.device)),
            function: text(shared(members, |member| member.function)),
            protocol: text(shared(members, |member| member.protocol)),
            src: own(row, "src"),
            dst: own(row, "dst"),
            src_port: port(row, "src_port"),
            dst_port: port(row, "dst_port"),
            place: match netns {
                Some(netns) => self.places.get(&netns).cloned().unwrap_or_default(),
                None => Place::Several,
            },
        };
        let severity = members.iter().map(|member| member.severity).max()?;
        let (reason, stage) = (text(alike.reason), text(alike.stage)?);
        Some(Advice::of(reason.as_deref(), &stage, severity, &values))
    }
}

impl Circumstance {
    /// Could these drops be in a row? Keys that only flows have do not tell.
    fn is_of(&self, row: &Row, sites: &Sites) -> bool {
        let Self {
            stage,
            reason,
            function,
            device,
            ifindex,
            netns,
            cpu,
            protocol,
            direction,
            severity,
        } = self;
        let is = |name: &Option<Name>, value: &Value| match (name, value) {
            (None, Value::Null) => true,
            (Some(name), Value::Text(text)) => sites.interner.text(*name) == text,
            _ => false,
        };
        let number = |number: &u32, value: &Value| match value {
            Value::Null => *number == 0,
            Value::Number(value) => u64::from(*number) == *value,
            _ => false,
        };
        row.fields.iter().all(|field| match field.name {
            "stage" => is(stage, &field.value),
            "reason" => is(reason, &field.value),
            "function" => is(function, &field.value),
            "device" => is(device, &field.value),
            "ifindex" => number(ifindex, &field.value),
            "netns" => number(netns, &field.value),
            "cpu" => field.value == Value::Number((*cpu).into()),
            "protocol" => is(protocol, &field.value),
            "direction" => is(direction, &field.value),
            "severity" => field.value == Value::Text(severity.as_str().into()),
            _ => true,
        }) && shown(row, *severity) > 0
    }
}

/// Drops of a severity in a row.
fn shown(row: &Row, severity: Severity) -> u64 {
    match severity {
        Severity::Harmful => row.sums.harmful,
        Severity::Suspicious => row.sums.suspicious,
        Severity::Benign => row.sums.benign,
    }
}

/// What all have in common; `None` where they differ.
fn shared<T: PartialEq>(
    members: &[&Circumstance],
    of: impl Fn(&Circumstance) -> Option<T>,
) -> Option<T> {
    let mut members = members.iter().map(|member| of(member));
    let first = members.next()??;
    members
        .all(|other| other.as_ref() == Some(&first))
        .then_some(first)
}

/// A row's own value of a key.
fn own(row: &Row, name: &str) -> Option<String> {
    let field = row.fields.iter().find(|field| field.name == name)?;
    match &field.value {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

fn port(row: &Row, name: &str) -> Option<u16> {
    let field = row.fields.iter().find(|field| field.name == name)?;
    match field.value {
        Value::Number(number) => u16::try_from(number).ok(),
        _ => None,
    }
}

/// Advice about one drop.
#[must_use]
pub fn about_drop(drop: &Drop, names: &mut dyn Names) -> Advice {
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
    let values = Values {
        device: text(&drop.device),
        src: drop.src.map(|address| address.to_string()),
        dst: drop.dst.map(|address| address.to_string()),
        src_port: drop.src_port,
        dst_port: drop.dst_port,
        protocol: text(&drop.protocol),
        function: text(&drop.function),
        place: drop
            .netns
            .map_or(Place::Unknown, |netns| names.netns_place(netns)),
    };
    let stage = drop.stage.as_deref().unwrap_or("unknown");
    Advice::of(drop.reason.as_deref(), stage, drop.severity, &values)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use netdrop_ebpf::{area::Weights, site::SiteKey};

    use super::super::{
        accounting::Attached,
        names::canned::Canned,
        period::{Moment, Tally, View},
        show::Show,
    };
    use crate::kernel::snapshot::Snapshot;

    /// Location, reason and netns of a drop.
    type Dropped = (u64, u32, u32);

    /// Reason, stage and whether there is a caution of the advice about rows of
    /// these drops, in the interval and in the summary.
    fn advice(by: &str, show: Show, drops: &[Dropped]) -> Vec<(String, String, bool)> {
        let view = View {
            by: by.parse().unwrap(),
            top: 20,
            show,
            sort: super::super::rank::Sort::Drops,
        };
        let mut tally = Tally::new(view, Attached::default());
        tally.explain();
        let sites = drops.iter().map(|(location, reason, netns)| {
            let key = SiteKey {
                location: *location,
                reason: *reason,
                netns: *netns,
                ..SiteKey::default()
            };
            let weights = Weights {
                drops: 1,
                packets: 1,
                bytes: 1,
            };
            (key, weights)
        });
        let snapshot = Snapshot {
            seconds: 1.0,
            sites: sites.collect(),
            ..Snapshot::default()
        };
        let moment = Moment {
            time: Timestamp::UNIX_EPOCH,
            time_squeeze: None,
            output_lost: 0,
        };
        let interval = tally.interval(&snapshot, &moment, &mut Canned);
        let summary = tally.summary(moment.time, 0);
        assert_eq!(interval.advice, summary.advice);
        let told = interval.advice.into_iter().map(|advice| {
            (
                advice.reason.unwrap_or_default(),
                advice.stage,
                advice.caution.is_some(),
            )
        });
        told.collect()
    }

    fn told(reason: &str, stage: &str, several: bool) -> (String, String, bool) {
        (reason.to_owned(), stage.to_owned(), several)
    }

    #[test]
    fn each_reason_and_stage_is_explained_once_whatever_the_rows_are() {
        let drops = [(0x300, 2, 9), (0x301, 2, 9), (0x600, 2, 9), (0x100, 2, 9)];
        let expected = [
            told("REASON_2", "rx_lookup", false),
            told("REASON_2", "netfilter", false),
        ];
        for by in ["stage,reason,function", "stage", "netns,protocol"] {
            assert_eq!(advice(by, Show::All, &drops), expected, "{by}");
        }
        // The table of flows does not know what a flow died of.
        assert_eq!(advice("src", Show::All, &drops), []);
        assert_eq!(advice("src,stage", Show::All, &drops), expected);
    }

    #[test]
    fn drops_in_several_namespaces_have_none_in_common() {
        let drops = [(0x300, 2, 8), (0x300, 2, 10)];
        assert_eq!(
            advice("reason", Show::All, &drops),
            [told("REASON_2", "rx_lookup", true)]
        );
        assert_eq!(
            advice("reason,netns", Show::All, &drops),
            [told("REASON_2", "rx_lookup", false)]
        );
    }

    #[test]
    fn hidden_drops_are_not_explained() {
        let drops = [(0x300, 0, 8), (0x300, 2, 8)];
        assert_eq!(
            advice("stage", Show::NotBenign, &drops),
            [told("REASON_2", "rx_lookup", false)]
        );
    }

    #[test]
    fn advice_is_given_about_five_reasons_at_most() {
        let drops: Vec<Dropped> = (0..9).map(|reason| (0x300, reason, 8)).collect();
        assert_eq!(advice("reason", Show::All, &drops).len(), 5);
    }
}
