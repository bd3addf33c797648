//! What TCP did after a drop: retransmissions and resets, by connection.

use core::ptr::{read_volatile, write_volatile};

use aya_ebpf::{
    bindings::BPF_NOEXIST,
    helpers::generated::{bpf_jiffies64, bpf_ktime_get_ns},
};
use netdrop_ebpf::{
    area::Counter,
    get,
    headers::{ETH_P_IP, IPPROTO_TCP},
    hurt::{Connection, Consequence, Hurt, MAPPED, STEP, WINDOW, is_swapped},
    put,
    scratch::Scratch,
    site::state,
};

use crate::{
    account::{Area, E2BIG, xadd32},
    constants::{offset, setting},
    levels::{self, Answered, Clock},
    maps::HURT,
    owner::{AF_INET, AF_INET6},
    skb::{Skb, Sock, copy},
};

/// Remembers that a packet of this connection died, whose key is complete. In
/// `slot`, if its flow has one, stands when that was last done: once in two
/// jiffies is enough.
#[inline(always)]
pub(crate) fn after_drop(area: Area, skb: Skb, slot: Option<*mut u32>, s: *mut Scratch) {
    if setting!(consequences) == 0
        || get!(s, key.site.protocol) != IPPROTO_TCP
        || get!(s, key.site.state) & (state::FLOW | state::NO_TRANSPORT) != state::FLOW
        || get!(s, key.site.netns) == 0
    {
        return;
    }
    // SAFETY: the helper takes no arguments.
    let jiffies = unsafe { bpf_jiffies64() };
    let mark = jiffies as u32 | 1;
    let Some(answered) = levels::answered(area.cpu) else {
        return;
    };
    // SAFETY: a live map value of this CPU.
    let is_answered = unsafe { read_volatile(&raw const (*answered).skb) } == skb.0 as u64;
    if let Some(slot) = slot
        && !is_answered
        // SAFETY: a slot of this CPU.
        && unsafe { read_volatile(slot) } == mark
    {
        return;
    }
    let side = name_connection(s);
    let Some(hurt) = note(area, side, jiffies, s) else {
        area.count(Counter::ConsequenceOther);
        return;
    };
    if let Some(slot) = slot {
        // SAFETY: a slot of this CPU, which is ready.
        unsafe { write_volatile(slot, mark) };
    }
    if is_answered && is_same(answered, s) {
        add(hurt, Consequence::ResetSent, side);
    }
}

/// Writes the time of the drop into the table.
#[inline(always)]
fn note(area: Area, side: usize, jiffies: u64, s: *mut Scratch) -> Option<*mut Hurt> {
    let clock = levels::clock(area.cpu)?;
    let now = time(clock, jiffies);
    // SAFETY: a field of a live map value that only this run writes.
    let connection = unsafe { &(*s).connection };
    if let Some(hurt) = HURT.get_ptr_mut(connection) {
        // SAFETY: a live map value; the index is 0 or 1.
        let last = unsafe { (&raw mut (*hurt).last).cast::<u64>().add(side) };
        // SAFETY: as above; a single word, whoever writes last.
        unsafe {
            if now > read_volatile(last) + STEP {
                write_volatile(last, now);
            }
        }
        return Some(hurt);
    }
    // Room comes when an interval ends: trying once a jiffy is enough.
    // SAFETY: a live map value of this CPU.
    if unsafe { read_volatile(&raw const (*clock).full) } == jiffies {
        return None;
    }
    // In the scratch, because the stack is small.
    // SAFETY: a field of a live map value; the index is 0 or 1.
    unsafe {
        let fresh = &raw mut (*s).hurt;
        fresh.write_bytes(0, 1);
        write_volatile((&raw mut (*fresh).last).cast::<u64>().add(side), now);
    }
    // SAFETY: a field of a live map value that only this run writes.
    let fresh = unsafe { &(*s).hurt };
    // Another CPU may have been faster; its time will do.
    let inserted = HURT.insert(connection, fresh, u64::from(BPF_NOEXIST));
    let hurt = HURT.get_ptr_mut(connection);
    if hurt.is_none() && inserted == Err(E2BIG) {
        // SAFETY: a live map value of this CPU.
        unsafe { write_volatile(&raw mut (*clock).full, jiffies) };
    }
    hurt
}

/// The time, at most a jiffy old.
#[inline(always)]
fn time(clock: *mut Clock, jiffies: u64) -> u64 {
    // SAFETY: a live map value of this CPU. What a nested run writes is as new.
    unsafe {
        if read_volatile(&raw const (*clock).jiffies) != jiffies {
            write_volatile(&raw mut (*clock).time, bpf_ktime_get_ns());
            write_volatile(&raw mut (*clock).jiffies, jiffies);
        }
        read_volatile(&raw const (*clock).time)
    }
}

/// Writes the connection of a packet; returns which of its ends sent it.
#[inline(always)]
fn name_connection(s: *mut Scratch) -> usize {
    let (src_port, dst_port) = (get!(s, key.addrs.src_port), get!(s, key.addrs.dst_port));
    let word = |of: *const u8, index: usize| {
        // SAFETY: the four words of an address in a live map value.
        unsafe { read_volatile(of.cast::<u32>().add(index)) }
    };
    // SAFETY: fields of a live map value.
    let (src, dst) = unsafe {
        (
            (&raw const (*s).key.addrs.src).cast::<u8>(),
            (&raw const (*s).key.addrs.dst).cast::<u8>(),
        )
    };
    let swapped = is_swapped((src_port, dst_port), |index| {
        (word(src, index), word(dst, index))
    });
    let mapped = get!(s, key.site.ethertype) == ETH_P_IP;
    put!(s, connection.netns, get!(s, key.site.netns));
    if swapped {
        put!(s, connection.ports, [dst_port, src_port]);
        put!(s, connection.addresses, addresses(dst, src, mapped, word));
        1
    } else {
        put!(s, connection.ports, [src_port, dst_port]);
        put!(s, connection.addresses, addresses(src, dst, mapped, word));
        0
    }
}

#[inline(always)]
fn addresses(
    first: *const u8,
    second: *const u8,
    mapped: bool,
    word: impl Fn(*const u8, usize) -> u32,
) -> [[u32; 4]; 2] {
    [first, second].map(|end| {
        if mapped {
            [0, 0, MAPPED, word(end, 0)]
        } else {
            [word(end, 0), word(end, 1), word(end, 2), word(end, 3)]
        }
    })
}

/// Is the packet that was answered of this connection? Its address may have
/// been used again.
#[inline(always)]
fn is_same(answered: *mut Answered, s: *mut Scratch) -> bool {
    // SAFETY: five words of a live map value.
    let (theirs, ours) = unsafe {
        (
            (&raw const (*answered).connection).cast::<u64>(),
            (&raw const (*s).connection).cast::<u64>(),
        )
    };
    let mut difference = 0;
    for i in 0..5 {
        // SAFETY: as above.
        difference |= unsafe { read_volatile(theirs.add(i)) ^ read_volatile(ours.add(i)) };
    }
    // SAFETY: as above.
    unsafe { write_volatile(&raw mut (*answered).skb, 0) };
    difference == 0
}

#[inline(always)]
fn add(hurt: *mut Hurt, what: Consequence, of: usize) {
    // SAFETY: a live map value, and `of` is below 3.
    xadd32(
        unsafe {
            (&raw mut (*hurt).followed[what as usize])
                .cast::<u32>()
                .add(of)
        },
        1,
    );
}

/// Counts a consequence if a packet of this connection died not long ago.
/// `answered`: the end whose packet it answers, which dies next.
#[inline(always)]
fn follow(connection: &Connection, what: Consequence, answered: Option<usize>) -> bool {
    let Some(hurt) = HURT.get_ptr_mut(connection) else {
        return false;
    };
    // SAFETY: the helper takes no arguments.
    let now = unsafe { bpf_ktime_get_ns() };
    let is_recent = |side: usize| {
        // SAFETY: a live map value.
        let last = unsafe { read_volatile(&raw const (*hurt).last[side]) };
        last != 0 && now.saturating_sub(last) <= WINDOW
    };
    let of = match (is_recent(0), is_recent(1)) {
        (true, true) => 2,
        // The answered packet dies next, so it follows its drop, too.
        (true, false) => {
            if answered == Some(1) {
                2
            } else {
                0
            }
        }
        (false, true) => {
            if answered == Some(0) {
                2
            } else {
                1
            }
        }
        (false, false) => return false,
    };
    add(hurt, what, of);
    true
}

/// A socket sent a segment again, or was reset.
#[inline(always)]
pub(crate) fn of_socket(sk: *const u8, what: Consequence) {
    if setting!(consequences) == 0 {
        return;
    }
    if let Some(sk) = Sock::from_pointer(sk)
        && let Some(connection) = connection_of_socket(sk)
    {
        follow(&connection.0, what, None);
    }
}

/// A SYN-ACK was sent again for this `struct request_sock`, which begins like a
/// socket.
#[inline(always)]
pub(crate) fn of_request(request: *const u8) {
    if offset!(req_common) == 0 {
        of_socket(request, Consequence::Retransmit);
    }
}

/// An RST was sent: in answer to a packet, or by itself.
#[inline(always)]
pub(crate) fn of_reset(cpu: u32, sk: *const u8, skb: *const u8) {
    if setting!(consequences) == 0 {
        return;
    }
    if skb.is_null() {
        of_socket(sk, Consequence::ResetSent);
        return;
    }
    let Some((connection, sender)) = connection_of_packet(Skb(skb), Sock::from_pointer(sk)) else {
        return;
    };
    if follow(&connection, Consequence::ResetSent, Some(sender)) {
        return;
    }
    // The packet dies next: then the RST is the consequence of its drop.
    if let Some(answered) = levels::answered(cpu) {
        // SAFETY: a live map value of this CPU. What a nested run mixes up is
        // no connection's packet.
        unsafe {
            write_volatile(&raw mut (*answered).skb, 0);
            write_volatile(&raw mut (*answered).connection, connection);
            write_volatile(&raw mut (*answered).skb, skb as u64);
        }
    }
}

#[inline(always)]
fn connection_of_socket(sk: Sock) -> Option<(Connection, usize)> {
    let (mut local, mut remote) = ([0, 0, MAPPED, 0], [0, 0, MAPPED, 0]);
    let read = match sk.family() {
        AF_INET => sk.addresses_v4(last_word(&mut local), last_word(&mut remote)),
        // Has IPv4 addresses in IPv6 form already.
        AF_INET6 => sk.addresses_v6(local.as_mut_ptr().cast(), remote.as_mut_ptr().cast()),
        _ => false,
    };
    if !read {
        return None;
    }
    let (local_port, remote_port) = sk.ports();
    Some(connection(
        sk.netns(),
        (local, local_port),
        (remote, remote_port),
    ))
}

/// The connection of a packet whose headers TCP has checked.
#[inline(always)]
fn connection_of_packet(skb: Skb, sk: Option<Sock>) -> Option<(Connection, usize)> {
    let head = skb.head();
    let network = head + u64::from(skb.network_header());
    let transport = head + u64::from(skb.transport_header());
    let mut version = [0_u8; 1];
    if !copy::<1>(network, version.as_mut_ptr()) {
        return None;
    }
    let (mut src, mut dst) = ([0, 0, MAPPED, 0], [0, 0, MAPPED, 0]);
    let read = match version[0] >> 4 {
        4 => {
            copy::<4>(network + 12, last_word(&mut src))
                && copy::<4>(network + 16, last_word(&mut dst))
        }
        6 => {
            copy::<16>(network + 8, src.as_mut_ptr().cast())
                && copy::<16>(network + 24, dst.as_mut_ptr().cast())
        }
        _ => false,
    };
    let mut ports = [0_u16; 2];
    if !read || !copy::<4>(transport, ports.as_mut_ptr().cast()) {
        return None;
    }
    let netns = match (skb.device().identity(), sk) {
        (Some((_, netns)), _) => netns,
        (None, Some(sk)) => sk.netns(),
        (None, None) => 0,
    };
    Some(connection(
        netns,
        (src, u16::from_be(ports[0])),
        (dst, u16::from_be(ports[1])),
    ))
}

#[inline(always)]
fn last_word(address: &mut [u32; 4]) -> *mut u8 {
    (&raw mut address[3]).cast()
}

/// The connection, and which of its ends `one` is.
#[inline(always)]
fn connection(netns: u32, one: ([u32; 4], u16), other: ([u32; 4], u16)) -> (Connection, usize) {
    let swapped = is_swapped((one.1, other.1), |index| (one.0[index], other.0[index]));
    if swapped {
        let connection = Connection {
            addresses: [other.0, one.0],
            ports: [other.1, one.1],
            netns,
        };
        (connection, 1)
    } else {
        let connection = Connection {
            addresses: [one.0, other.0],
            ports: [one.1, other.1],
            netns,
        };
        (connection, 0)
    }
}
