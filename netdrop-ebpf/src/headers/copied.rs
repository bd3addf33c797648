//! A packet's first bytes, copied out of it, as something to read headers from.

use super::Memory;

/// The first bytes of a packet, from its link layer's header on or, without one,
/// from its network header on.
#[derive(Clone, Copy, Debug)]
pub struct Copied<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Do they begin with an Ethernet header?
    pub link_layer: bool,
    /// The ethertype; looked at only where there is no Ethernet header.
    pub ethertype: u16,
    /// Ethertype and control word of a VLAN tag that was not in the frame; zero
    /// without one, or where it is not known.
    pub stripped_tag: (u16, u16),
}

impl Copied<'_> {
    /// Where the bytes begin: a header's offset is not 0.
    pub const START: u32 = 64;
    const UNSET: u16 = 0xFFFF;
}

impl Memory for Copied<'_> {
    fn head(self) -> u64 {
        0
    }

    fn tail(self) -> u32 {
        Self::START + self.bytes.len() as u32
    }

    fn mac_header(self) -> u16 {
        if self.link_layer {
            Self::START as u16
        } else {
            Self::UNSET
        }
    }

    fn network_header(self) -> u16 {
        if self.link_layer {
            Self::UNSET
        } else {
            Self::START as u16
        }
    }

    fn transport_header(self) -> u16 {
        Self::UNSET
    }

    fn protocol(self) -> u16 {
        if self.link_layer { 0 } else { self.ethertype }
    }

    fn stripped_tag(self) -> (u16, u16) {
        self.stripped_tag
    }

    fn is_filtered(self) -> bool {
        true
    }

    fn copy<const N: usize>(self, address: u64, to: *mut u8) -> bool {
        let Some(start) = address.checked_sub(u64::from(Self::START)) else {
            return false;
        };
        // What lies behind the end is not looked at, but it can be read.
        let mut copied = [0; N];
        for (to, from) in copied
            .iter_mut()
            .zip(self.bytes.iter().skip(start as usize))
        {
            *to = *from;
        }
        // SAFETY: the reader gives N writable bytes.
        unsafe { core::ptr::copy_nonoverlapping(copied.as_ptr(), to, N) };
        true
    }
}
