//! `skb:kfree_skb`: a packet died.

use aya_ebpf::programs::BtfTracePointContext;
use netdrop_ebpf::{
    area::{Counter, Weights},
    config::{EMIT_ALL, EMIT_HINTS, EMIT_SOME},
    get,
    headers::{self, Memory as _, mark},
    put,
    scratch::{NO_HEADER, Scratch},
    site::{NO_REASON, state},
};

use crate::{
    account::{Area, Counted},
    chosen, circumstances, consequences,
    constants::setting,
    emit, histograms,
    levels::{self, Taken},
    owner, qdiscs,
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
    if is_part(area, skb, location) {
        area.count(Counter::Parts);
        return Some(());
    }
    if let Some(taken) = levels::take(area.cpu) {
        count(ctx, area, skb, location, &taken);
        taken.give_back();
    } else if skb.is_filtered() {
        area.count(Counter::Undecided);
    } else {
        let length = skb.len();
        area.count_site_other(Weights {
            drops: 1,
            packets: 1,
            bytes: u64::from(length),
        });
        area.count(Counter::NoFlow);
        area.count(Counter::SampledOut);
        histograms::add_drop(area, skb, length, true);
    }
    Some(())
}

#[inline(always)]
fn count(ctx: &BtfTracePointContext, area: Area, skb: Skb, location: u64, taken: &Taken) {
    let s = taken.scratch;
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
    headers::read(skb, s);
    owner::complete(skb, sk, s);
    if skb.is_filtered() && !chosen::is_chosen(ctx, area, skb, s) {
        return;
    }
    put!(s, key.site.location, location);
    put!(s, key.site.reason, reason);
    put!(s, key.site.cpu, area.cpu as u16);
    put!(s, key.site.stack, emit::stack_number(ctx));
    locate(area.cpu, skb, sk, rx_sk, s);
    let open = circumstances::leaves_open(reason);
    if open {
        circumstances::read(skb, rx_sk, s);
    }
    qdiscs::name(area.cpu, skb, s);
    put!(s, length, length(skb, get!(s, network)));
    put!(s, packets, packets(skb, s));
    histograms::add_drop(area, skb, get!(s, length), taken.is_nested());

    let weights = Weights {
        drops: 1,
        packets: u64::from(get!(s, packets)),
        bytes: u64::from(get!(s, length)),
    };
    // SAFETY: a field of a live map value that only this run writes.
    let key = unsafe { &(*s).key };
    let counted = area.count_site(ctx, &key.site, weights);
    let bits = get!(s, key.site.state);
    if bits & state::UNPARSED_OR_TAGGED != 0 && key.site.is_unparsed() {
        area.count(Counter::Unparsed);
    }
    if bits & state::FLOW == 0 {
        area.count(Counter::NoFlow);
    } else if setting!(flows) != 0 {
        let slot = area.count_flow(ctx, key, weights);
        consequences::after_drop(area, skb, slot, s);
    }
    let hint = open && matches!(counted, Counted::First(_));
    if setting!(emit) == EMIT_ALL || setting!(emit) == EMIT_SOME {
        if setting!(emit) == EMIT_SOME && !matches!(counted, Counted::First(_)) && !area.may_emit()
        {
            area.count(Counter::SampledOut);
            return;
        }
        put!(s, receiver, receiver(rx_sk, sk, bits));
        emit::drop(ctx, area, skb, hint, s);
    } else if setting!(emit) == EMIT_HINTS && hint {
        emit::hint(ctx, area, skb, s);
    }
}

/// Address of the socket that was to get the packet: the one the kernel names,
/// else, for a received packet, the one it holds.
#[inline(always)]
fn receiver(rx_sk: Option<Sock>, sk: Option<Sock>, bits: u16) -> u64 {
    if let Some(socket) = rx_sk {
        return socket.address();
    }
    match sk {
        Some(socket) if bits & state::RECEIVED != 0 => socket.address(),
        _ => 0,
    }
}

/// Is this a member of a `frag_list`, freed with a packet that is counted (or
/// was delivered) itself? `skb_release_data` frees nothing else. Until 5.16
/// (net/core/skbuff.c) both those and packets dropped by a qdisc are freed in
/// `kfree_skb_list`; a member's data has been pulled past its network header,
/// a packet on its way out starts at or before it.
#[inline(always)]
fn is_part(area: Area, skb: Skb, location: u64) -> bool {
    let control = area.control();
    // SAFETY: a live map value that user space fills in before `ready`.
    let part = unsafe { core::ptr::read_volatile(&raw const (*control).part_range) };
    if location.wrapping_sub(part[0]) < part[1] {
        return true;
    }
    // SAFETY: as above.
    let list = unsafe { core::ptr::read_volatile(&raw const (*control).list_range) };
    location.wrapping_sub(list[0]) < list[1] && skb.data_offset() > u32::from(skb.network_header())
}

/// Fills in device, namespace and the bits that tell one path from another.
#[inline(always)]
fn locate(cpu: u32, skb: Skb, sk: Option<Sock>, rx_sk: Option<Sock>, s: *mut Scratch) {
    let iif = skb.iif();
    let mut bits = skb.packet_type() << state::PACKET_TYPE_SHIFT;
    put!(s, key.site.ifindex, iif);
    if iif != 0 {
        bits |= state::RECEIVED;
    }
    if skb.is_routed() {
        bits |= state::ROUTED;
    }
    if let Some((ifindex, netns)) = skb.device().identity() {
        put!(s, key.site.ifindex, ifindex);
        put!(s, key.site.netns, netns);
        bits |= state::DEVICE;
    }
    mark(s, bits);
    bits = 0;
    let mut tagged = 0;
    if setting!(tags) != 0 {
        if let Some(tag) = tags::rx(cpu, skb, iif) {
            bits |= state::TAG_RX;
            tagged = tag.netns;
        }
        if tags::is_tx(cpu, skb, get!(s, key.site.ifindex), get!(s, key.site.netns)) {
            bits |= state::TAG_TX;
        }
    }
    if sk.is_some() {
        bits |= state::SOCKET;
    }
    if rx_sk.is_some() {
        bits |= state::RX_SOCKET;
    }
    mark(s, bits);
    if get!(s, key.site.netns) == 0 {
        // A socket is what it is; the address of a tag may have been used again.
        let owner = sk.or(rx_sk).map_or(0, Sock::netns);
        put!(s, key.site.netns, if owner == 0 { tagged } else { owner });
    }
}

/// Bytes from the network header on. `skb->len` counts from `data`, which may
/// lie before it (layer 2) or behind it (layer 4).
#[inline(always)]
fn length(skb: Skb, network: u32) -> u32 {
    let length = skb.len();
    if network == NO_HEADER {
        return length;
    }
    length.wrapping_add(skb.data_offset()).wrapping_sub(network)
}

/// Packets on the wire: what GRO merged or TSO has not yet cut.
#[inline(always)]
fn packets(skb: Skb, s: *mut Scratch) -> u32 {
    let length = get!(s, length);
    if length <= SMALLEST_GSO {
        return 1;
    }
    let (size, segments) = skb.gso();
    if segments != 0 {
        return u32::from(segments);
    }
    if size == 0 {
        return 1;
    }
    // From a guest or a tap device, whose number of segments the kernel does
    // not believe.
    let payload = length.saturating_sub(get!(s, header_bytes));
    let packets = payload.div_ceil(u32::from(size));
    if packets == 0 { 1 } else { packets }
}
