//! Rows of what followed drops in their connections.

use netdrop_ebpf::{
    area::Weights,
    flow::FlowKey,
    hurt::{Followed, MAPPED},
};

use super::Recorder;
use crate::{
    kernel::snapshot::Aftermath,
    recording::{
        columns::Line,
        connection::{ENDS, Known, WHAT},
    },
    tally::consequences,
};

impl Recorder {
    /// What is new of the connections whose flows are in the file.
    pub(super) fn push_connections(&mut self, aftermath: &Aftermath, flows: &[(FlowKey, Weights)]) {
        let listed = flows
            .iter()
            .filter_map(|(key, _)| consequences::connection(key))
            .map(|(connection, _)| connection)
            .collect();
        for known in Known::news(&mut self.connections, aftermath, &listed) {
            let [first, second] = known.connection.addresses.map(|words| text(&words));
            let [first_port, second_port] = known.connection.ports;
            let base = Line {
                src: Some(&first),
                src_port: Some(first_port),
                dst: Some(&second),
                dst_port: Some(second_port),
                netns: Some(known.connection.netns),
                ..self.line("connection")
            };
            for (what, scope, value) in counts(&known.counts) {
                self.columns.push(&Line {
                    name: Some(what),
                    scope: Some(scope),
                    value: Some(value.into()),
                    ..base
                });
            }
            let name = if known.removed { "removed" } else { "watched" };
            self.columns.push(&Line {
                name: Some(name),
                ..base
            });
        }
    }
}

/// All counts that are not zero.
fn counts(all: &Followed) -> impl Iterator<Item = (&'static str, &'static str, u32)> {
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
