//! Which way a packet was going.

use netdrop_ebpf::site::state;

use super::stage::Stage;

/// Which way a packet was going when it died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Received, for this host or not known to be for another.
    Rx,
    /// Sent by this host.
    Tx,
    /// Received, and on its way out again: routed or bridged.
    Forward,
    /// Neither the place nor the packet tells.
    Unknown,
}

/// `pkt_type` of a copy made for a packet socket on the way out
/// (`PACKET_OUTGOING`, `include/uapi/linux/if_packet.h`).
const PACKET_OUTGOING: u16 = 4;

impl Direction {
    /// The word used in every output; `None` when unknown.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Rx => Some("rx"),
            Self::Tx => Some("tx"),
            Self::Forward => Some("forward"),
            Self::Unknown => None,
        }
    }

    /// The direction of a drop at `stage`, where the catalogue says `way` and
    /// the packet had the bits `bits` of [`state`].
    pub(super) fn of(way: Way, stage: Stage, bits: u16) -> Self {
        let has = |bit| bits & bit != 0;
        let going_out = || {
            // A packet that was received has a device it came from; sent ones
            // have a socket, or never had such a device.
            if has(state::RECEIVED) && !has(state::SOCKET) {
                Self::Forward
            } else {
                Self::Tx
            }
        };
        match way {
            _ if stage.id() == "fwd" => Self::Forward,
            Way::Rx => Self::Rx,
            Way::Tx => going_out(),
            // On the loopback device one packet has both tags: it was sent,
            // and is being received.
            Way::Both if has(state::TAG_RX) => Self::Rx,
            Way::Both if has(state::TAG_TX) || packet_type(bits) == PACKET_OUTGOING => going_out(),
            Way::Both if has(state::RECEIVED) || has(state::RX_SOCKET) => Self::Rx,
            Way::Both if has(state::SOCKET) => Self::Tx,
            Way::Both => Self::Unknown,
        }
    }
}

/// `pkt_type` of the packet.
pub(super) fn packet_type(bits: u16) -> u16 {
    (bits & state::PACKET_TYPE_MASK) >> state::PACKET_TYPE_SHIFT
}

/// The direction as the catalogue has it: of a place, not of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Receiving.
    Rx,
    /// Sending.
    Tx,
    /// Either.
    Both,
}

impl Way {
    /// Reads the catalogue's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "rx" => Self::Rx,
            "tx" => Self::Tx,
            "both" => Self::Both,
            _ => return None,
        })
    }

    /// The catalogue's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rx => "rx",
            Self::Tx => "tx",
            Self::Both => "both",
        }
    }
}
