//! A frame as the kernel's header reader sees it.

use netdrop_ebpf::{
    flow::FlowAddrs,
    headers::{self, Memory},
    packet::{Packet, known},
    scratch::Scratch,
};
use zerocopy::FromZeros as _;

/// What lies behind the linear part of an skb.
const SHARED_INFO: usize = 320;

#[derive(Clone, Copy)]
struct Frame<'a> {
    bytes: &'a [u8],
    /// Ethertype and control word of a tag that was taken off it.
    tag: (u16, u16),
    /// Where the stack has set its network header, with the first ethertype.
    network: Option<u16>,
}

/// Bytes of an Ethernet header.
const ETHERNET: u16 = 14;

impl Memory for Frame<'_> {
    fn head(self) -> u64 {
        0
    }

    fn tail(self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap()
    }

    fn mac_header(self) -> u16 {
        0
    }

    fn network_header(self) -> u16 {
        self.network.unwrap_or(0)
    }

    fn transport_header(self) -> u16 {
        0
    }

    fn protocol(self) -> u16 {
        let end = usize::from(ETHERNET);
        match self.bytes.get(end - 2..end) {
            Some(&[high, low]) if self.network.is_some() => u16::from_be_bytes([high, low]),
            _ => 0,
        }
    }

    fn stripped_tag(self) -> (u16, u16) {
        self.tag
    }

    fn is_filtered(self) -> bool {
        true
    }

    fn copy<const N: usize>(self, address: u64, to: *mut u8) -> bool {
        let Self { bytes, .. } = self;
        let start = usize::try_from(address).unwrap();
        if start + N > bytes.len() + SHARED_INFO {
            return false;
        }
        // Behind the end lies what must not be looked at.
        let mut copied = [0xA5; N];
        for (to, from) in copied.iter_mut().zip(bytes.iter().skip(start)) {
            *to = *from;
        }
        // SAFETY: the reader gives N writable bytes.
        unsafe { std::ptr::copy_nonoverlapping(copied.as_ptr(), to, N) };
        true
    }
}

/// Reads a frame of which `captured` is there and `length` were sent, before the stack
/// has received it.
pub(crate) fn read(captured: &[u8], length: u32) -> (FlowAddrs, Packet) {
    let frame = Frame {
        bytes: captured,
        tag: (0, 0),
        network: None,
    };
    let scratch = scratch(frame, length);
    (scratch.key.addrs, scratch.packet)
}

/// All that is found in it once it is received, and in a tag that was taken off it.
pub(crate) fn seen(captured: &[u8], length: u32, tag: (u16, u16)) -> Scratch {
    let frame = Frame {
        bytes: captured,
        tag,
        network: Some(ETHERNET),
    };
    scratch(frame, length)
}

/// The same of a frame that is sent with these tags in it: its network header is set
/// behind them.
pub(crate) fn sent(captured: &[u8], length: u32, tags: u16) -> Scratch {
    let frame = Frame {
        bytes: captured,
        tag: (0, 0),
        network: Some(ETHERNET + 4 * tags),
    };
    scratch(frame, length)
}

fn scratch(frame: Frame<'_>, length: u32) -> Scratch {
    let mut scratch = Scratch::new_zeroed();
    headers::read(frame, &raw mut scratch);
    scratch.packet.length = length;
    scratch.packet.known |= known::LENGTH;
    scratch
}
