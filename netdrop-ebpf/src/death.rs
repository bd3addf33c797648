//! skb:kfree_skb: a packet died.

use aya_ebpf::programs::BtfTracePointContext;
use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::FlowKey,
    site::{NO_REASON, SiteKey, state},
};

use crate::{
    account::Area,
    constants::setting,
    emit,
    headers::{self, Headers},
    maps::CONTROL,
    skb::{Skb, Sock},
    tags,
};

/// Below this length no packet can be more than one on the wire.
const SMALLEST_GSO: u32 = 256;

#[inline(always)]
pub(crate) fn run(ctx: &BtfTracePointContext) -> Option<()> {
    let area = Area::current()?;
    area.count(Counter::Fired);
    let skb = Skb(ctx.arg(0));
    let location: u64 = ctx.arg(1);
    if is_part(skb, location) {
        area.count(Counter::Parts);
        return Some(());
    }
    let reason = if setting!(kfree_skb_args) >= 3 {
        ctx.arg::<u32>(2)
    } else {
        NO_REASON
    };
    let rx_sk = if setting!(kfree_skb_args) >= 4 {
        Sock::from_pointer(ctx.arg(3))
    } else {
        None
    };
    let sk = skb.socket();

    let mut headers = headers::empty();
    headers::read(skb, sk, &mut headers);
    let site = site(area.cpu, skb, sk, rx_sk, location, reason, &headers);
    let length = length(skb, &headers);
    let packets = packets(skb, length, &headers);
    let weights = Weights {
        drops: 1,
        packets: u64::from(packets),
        bytes: u64::from(length),
    };

    area.count(Counter::Counted);
    area.add(Counter::CountedPackets, weights.packets);
    area.add(Counter::CountedBytes, weights.bytes);
    let new = area.count_site(ctx, &site, weights);
    if headers.state & state::UNPARSED != 0 {
        area.count(Counter::Unparsed);
    }
    if headers.state & state::FLOW == 0 {
        area.count(Counter::NoFlow);
    } else if setting!(flows) != 0 {
        let key = FlowKey {
            site,
            addrs: headers.addrs,
            reserved: 0,
        };
        area.count_flow(ctx, &key, weights);
    }
    emit::drop(ctx, area, &site, &headers, length, packets, new);
    Some(())
}

/// Is this a member of a frag_list, freed with a packet that is counted (or
/// was delivered) itself? `skb_release_data` frees nothing else. Until 5.16
/// (net/core/skbuff.c) both those and packets dropped by a qdisc are freed in
/// `kfree_skb_list`; a member's data has been pulled past its network header,
/// a packet on its way out starts at or before it.
#[inline(always)]
fn is_part(skb: Skb, location: u64) -> bool {
    let Some(control) = CONTROL.get_ptr(0) else {
        return false;
    };
    // SAFETY: a live map value that user space fills in before `ready`.
    let (part, list) = unsafe { ((*control).part_range, (*control).list_range) };
    if location >= part[0] && location < part[1] {
        return true;
    }
    location >= list[0]
        && location < list[1]
        && skb.data_offset() > u32::from(skb.network_header())
}

#[inline(always)]
fn site(
    cpu: u32,
    skb: Skb,
    sk: Option<Sock>,
    rx_sk: Option<Sock>,
    location: u64,
    reason: u32,
    headers: &Headers,
) -> SiteKey {
    let iif = skb.iif();
    let mut bits = headers.state | (skb.packet_type() << state::PACKET_TYPE_SHIFT);
    let mut ifindex = iif;
    let mut netns = 0;
    if iif != 0 {
        bits |= state::RECEIVED;
    }
    if skb.is_routed() {
        bits |= state::ROUTED;
    }
    if sk.is_some() {
        bits |= state::SOCKET;
    }
    if rx_sk.is_some() {
        bits |= state::RX_SOCKET;
    }
    if let Some(identity) = skb.device().identity() {
        (ifindex, netns) = identity;
        bits |= state::DEVICE;
    }
    if setting!(tags) != 0 {
        if let Some(tag) = tags::rx(cpu, skb, iif) {
            bits |= state::TAG_RX;
            if netns == 0 {
                netns = tag.netns;
            }
        }
        if tags::is_tx(cpu, skb) {
            bits |= state::TAG_TX;
        }
    }
    if netns == 0
        && let Some(owner) = sk.or(rx_sk)
    {
        netns = owner.netns();
    }
    SiteKey {
        location,
        reason,
        netns,
        ifindex,
        cpu,
        ethertype: headers.ethertype,
        state: bits,
        protocol: headers.protocol,
        filter: [0; 3],
    }
}

/// Bytes from the network header on. `skb->len` counts from `data`, which may
/// lie before it (layer 2) or behind it (layer 4).
#[inline(always)]
fn length(skb: Skb, headers: &Headers) -> u32 {
    let length = skb.len();
    if headers.network == u32::MAX {
        return length;
    }
    length
        .wrapping_add(skb.data_offset())
        .wrapping_sub(headers.network)
}

/// Packets on the wire: what GRO merged or TSO has not yet cut.
#[inline(always)]
fn packets(skb: Skb, length: u32, headers: &Headers) -> u32 {
    if length <= SMALLEST_GSO {
        return 1;
    }
    let (size, segments) = skb.gso();
    let mut packets = u32::from(segments);
    if size != 0 {
        let payload = length.saturating_sub(headers.header_bytes);
        let needed = payload.div_ceil(u32::from(size));
        if needed > packets {
            packets = needed;
        }
    }
    if packets == 0 { 1 } else { packets }
}
