//! One drop in full, out of many.

use netdrop_ebpf::flow::FlowKey;

use super::packet::{Drop, flags_of};
use crate::filter::single::{First, Single};

/// A drop that was kept single.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// What is known of it.
    pub drop: Drop,
    /// Where and whose it was, as filters ask for it.
    pub flow: FlowKey,
}

impl<'a> From<&'a Drop> for Single<'a> {
    fn from(drop: &'a Drop) -> Self {
        Self {
            length: drop.length,
            tcp_flags: drop.tcp_flags.as_deref().and_then(flags_of),
            sender: drop.pid.zip(drop.command.as_deref()),
            headers: drop.headers.as_ref().map(|headers| First {
                bytes: &headers.bytes,
                link_layer: headers.link_layer,
            }),
            frame: drop.frame,
        }
    }
}
