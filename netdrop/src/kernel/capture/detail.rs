//! An event as it came through the ring.

use bytes::Bytes;
use netdrop_ebpf::{
    event::{Event, STACK_DEPTH},
    flow::FlowKey,
};
use zerocopy::FromBytes as _;

use crate::kernel::error::CaptureError;

/// One event and the stack that came with it.
#[derive(Clone, Debug)]
pub struct Detail {
    /// The drop.
    pub event: Event,
    /// Kernel return addresses as 8-byte host-order words, innermost first;
    /// empty without `--stack`.
    pub stack: Bytes,
    /// The packet's first bytes, from its link layer's header on
    /// (`EVENT_LINK_LAYER`) or from its network header on; empty where none were
    /// asked for or could be read.
    pub headers: Bytes,
}

impl Detail {
    /// Reads a record; `headers`: do records carry the packet's first bytes?
    pub(super) fn read(record: &[u8], headers: bool) -> Result<Self, CaptureError> {
        let malformed = || CaptureError::Record(record.len());
        let (event, rest) = Event::read_from_prefix(record).map_err(|_| malformed())?;
        let stack = rest.get(..usize::from(event.stack_len));
        let bytes = if headers {
            let behind = STACK_DEPTH * size_of::<u64>();
            rest.get(behind..behind + usize::from(event.headers_len))
        } else {
            Some(&[][..])
        };
        Ok(Self {
            event,
            stack: Bytes::copy_from_slice(stack.ok_or_else(malformed)?),
            headers: Bytes::copy_from_slice(bytes.ok_or_else(malformed)?),
        })
    }

    /// Where and whose it was.
    #[must_use]
    pub fn flow(&self) -> FlowKey {
        FlowKey {
            site: self.event.site,
            addrs: self.event.addrs,
            reserved: 0,
        }
    }

    /// The return addresses of `stack`.
    #[must_use]
    pub fn frames(&self) -> Vec<u64> {
        let (frames, _) = self.stack.as_chunks();
        frames
            .iter()
            .map(|frame| u64::from_ne_bytes(*frame))
            .collect()
    }
}
