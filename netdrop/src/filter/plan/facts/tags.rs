//! VLAN tags of a single drop: those in its frame, and one that was taken off it.

use netdrop_ebpf::site::SiteKey;

use super::{Facts, read::Read};
use crate::drops::frame::Frame;

/// Which VLAN tags of a packet are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tags {
    /// None.
    Unknown,
    /// Those in the frame.
    Inside,
    /// And whether one was taken off it.
    All,
}

impl Facts {
    /// Takes the tags. Those in the frame are known where the bytes show as many as
    /// the kernel passed, or it passed none.
    pub(super) fn tag(&mut self, frame: &Frame, read: Option<&Read>, site: &SiteKey) {
        let Self { packet, tags, .. } = self;
        if let Some(read) = read
            && *tags == Tags::Inside
            && packet.depth - read.packet.stripped == frame.tags_inside
        {
            packet.stripped = read.packet.stripped;
            *tags = Tags::All;
            return;
        }
        let outer = frame.tag.map(|tag| (tag.ethertype, tag.vlan()));
        // Which one it is and how many there are is not known.
        let inner = (frame.tags_inside > 0).then_some((0x8100, 0));
        (packet.types, packet.tags, packet.depth) = Default::default();
        for (place, (ethertype, vlan)) in outer.into_iter().chain(inner).enumerate() {
            packet.types[place] = ethertype;
            packet.tags[place] = vlan;
            packet.depth += 1;
        }
        packet.types[usize::from(packet.depth)] = site.ethertype;
        packet.stripped = outer.is_some().into();
        *tags = if inner.is_none() {
            Tags::All
        } else {
            Tags::Unknown
        };
    }
}
