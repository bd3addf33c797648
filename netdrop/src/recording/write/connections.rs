//! Rows of what followed drops in their connections.

use std::collections::{HashMap, HashSet};

use netdrop_ebpf::{
    area::Weights,
    flow::FlowKey,
    hurt::{Connection, Followed as Counts, MAPPED},
};

use super::{rows::Rows, sheet::Stamp, state::State};
use crate::{
    kernel::snapshot::{Aftermath, Followed},
    recording::{
        columns::{Columns, Line},
        connection::{ENDS, Known, WHAT},
    },
    tally::consequences,
};

/// What an interval tells of connections. Which of it becomes rows depends on
/// what the file knows already.
#[derive(Clone, Debug, Default)]
pub(super) struct Following {
    /// Those with other counts than before, and those that have flows here.
    connections: Vec<Followed>,
    /// Those that have flows here.
    listed: HashSet<Connection>,
}

impl Following {
    /// Is there nothing?
    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Its size in memory, about.
    pub(super) fn size(&self) -> usize {
        size_of_val(self.connections.as_slice()) + self.listed.len() * size_of::<Connection>()
    }

    /// Adds the last rows of an interval to a file in which so much stands.
    pub(super) fn end(&self, state: &mut State, columns: &mut Columns, stamp: &Stamp) {
        self.push(&mut state.connections, columns, &stamp.line("connection"));
        columns.push(&stamp.end());
    }

    /// Adds the rows of what is new to a file that knows so much.
    fn push(&self, known: &mut HashMap<Connection, Known>, columns: &mut Columns, line: &Line<'_>) {
        for news in Known::news(known, &self.connections, &self.listed) {
            let [first, second] = news.connection.addresses.map(|words| text(&words));
            let [first_port, second_port] = news.connection.ports;
            let base = Line {
                kind: Some("connection"),
                src: Some(&first),
                src_port: Some(first_port),
                dst: Some(&second),
                dst_port: Some(second_port),
                netns: Some(news.connection.netns),
                ..*line
            };
            for (what, scope, value) in counts(&news.counts) {
                columns.push(&Line {
                    name: Some(what),
                    scope: Some(scope),
                    value: Some(value.into()),
                    ..base
                });
            }
            let name = if news.removed { "removed" } else { "watched" };
            columns.push(&Line {
                name: Some(name),
                ..base
            });
        }
    }

    /// Passes by, for a file that begins later.
    pub(super) fn skip(&self, known: &mut HashMap<Connection, Known>) {
        drop(Known::news(known, &self.connections, &self.listed));
    }
}

impl Rows {
    /// Keeps what is new of the connections, or belongs to these flows.
    pub(super) fn follow(&mut self, aftermath: &Aftermath, flows: &[(FlowKey, Weights)]) {
        let listed: HashSet<Connection> = flows
            .iter()
            .filter_map(|(key, _)| consequences::connection(key))
            .map(|(connection, _)| connection)
            .collect();
        let Following {
            connections,
            listed: followed,
        } = &mut self.following;
        for one in &aftermath.connections {
            let before = self.followed.insert(one.connection, one.counts);
            let is_listed = listed.contains(&one.connection);
            if before != Some(one.counts) || is_listed || one.removed {
                connections.push(*one);
            }
            if is_listed {
                followed.insert(one.connection);
            }
            if one.removed {
                self.followed.remove(&one.connection);
            }
        }
    }
}

/// All counts that are not zero.
fn counts(all: &Counts) -> impl Iterator<Item = (&'static str, &'static str, u32)> {
    WHAT.into_iter().flat_map(|(what, name)| {
        let ends = ENDS.into_iter().zip(all[what as usize]);
        ends.filter(|(_, count)| *count > 0)
            .map(move |(scope, count)| (name, scope, count))
    })
}

/// An end's address.
fn text(words: &[u32; 4]) -> String {
    let mut bytes = [0; 16];
    for (four, word) in bytes.chunks_exact_mut(4).zip(words) {
        four.copy_from_slice(&word.to_ne_bytes());
    }
    let address = std::net::Ipv6Addr::from(bytes);
    match words {
        [0, 0, MAPPED, _] => address
            .to_ipv4_mapped()
            .map_or_else(|| address.to_string(), |address| address.to_string()),
        _ => address.to_string(),
    }
}
