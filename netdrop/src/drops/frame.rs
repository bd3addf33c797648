//! The frame around a dropped packet, as a capture would have seen it.

use netdrop_ebpf::event::{EVENT_FRAME, Event, tags_inside};

/// What is known of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes; `None` where its headers are not built yet.
    pub length: Option<u32>,
    /// The VLAN tag that the card or the kernel took off it, or that is to be put
    /// in by the card.
    pub tag: Option<Tag>,
    /// VLAN tags that are still in it, as far as they were passed on the way to the
    /// network header: 0 to 2.
    pub tags_inside: u8,
}

/// A VLAN tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its ethertype: 0x8100 or 0x88a8.
    pub ethertype: u16,
    /// Priority, drop eligibility and identifier (IEEE 802.1Q, tag control
    /// information).
    pub control: u16,
}

impl Tag {
    /// The number of the VLAN, 0 for none (a priority alone).
    #[must_use]
    pub fn vlan(self) -> u16 {
        self.control & 0x0fff
    }
}

impl Frame {
    /// Of an event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            length: (event.flags & EVENT_FRAME != 0).then_some(event.frame_length),
            tag: (event.tag_type != 0).then_some(Tag {
                ethertype: event.tag_type,
                control: event.tag_control,
            }),
            tags_inside: tags_inside(event.flags),
        }
    }
}
