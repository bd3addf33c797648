//! Constants that user space writes into `.rodata` before it loads the
//! programs: the verifier sees them as known values and removes what they
//! switch off.

use zerocopy::{Immutable, IntoBytes};

/// Byte offsets of the members read by the programs, from the running kernel's
/// BTF. A member the kernel lacks has offset [`ABSENT`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoBytes, Immutable)]
pub struct Offsets {
    /// `sk_buff.dev`
    pub skb_dev: u32,
    /// `sk_buff.sk`
    pub skb_sk: u32,
    /// `sk_buff.len`
    pub skb_len: u32,
    /// `sk_buff.skb_iif`
    pub skb_iif: u32,
    /// `sk_buff.protocol`
    pub skb_protocol: u32,
    /// `sk_buff.transport_header`
    pub skb_transport_header: u32,
    /// `sk_buff.network_header`
    pub skb_network_header: u32,
    /// `sk_buff.mac_header`
    pub skb_mac_header: u32,
    /// `sk_buff.tail` (an offset from `head` on 64 bit)
    pub skb_tail: u32,
    /// `sk_buff.end` (an offset from `head` on 64 bit)
    pub skb_end: u32,
    /// `sk_buff.head`
    pub skb_head: u32,
    /// `sk_buff.data`
    pub skb_data: u32,
    /// `sk_buff._skb_refdst`
    pub skb_refdst: u32,
    /// Byte that holds the bit-field `sk_buff.pkt_type`
    pub skb_pkt_type: u32,
    /// Right shift of `pkt_type` in that byte
    pub skb_pkt_type_shift: u32,
    /// `net_device.ifindex`
    pub dev_ifindex: u32,
    /// `net_device.nd_net.net`
    pub dev_net: u32,
    /// `net.ns.inum`
    pub net_inum: u32,
    /// `net.loopback_dev`
    pub net_loopback: u32,
    /// `sock.__sk_common.skc_net.net`
    pub sk_net: u32,
    /// `sock.__sk_common.skc_family`
    pub sk_family: u32,
    /// `sock.__sk_common.skc_state`
    pub sk_state: u32,
    /// `sock.__sk_common.skc_rcv_saddr`
    pub sk_rcv_saddr: u32,
    /// `sock.__sk_common.skc_daddr`
    pub sk_daddr: u32,
    /// `sock.__sk_common.skc_v6_rcv_saddr`
    pub sk_v6_rcv_saddr: u32,
    /// `sock.__sk_common.skc_v6_daddr`
    pub sk_v6_daddr: u32,
    /// `sock.__sk_common.skc_num` (host byte order)
    pub sk_num: u32,
    /// `sock.__sk_common.skc_dport` (network byte order)
    pub sk_dport: u32,
    /// Byte offset of `sock.sk_protocol`
    pub sk_protocol: u32,
    /// `sock.sk_ack_backlog`
    pub sk_ack_backlog: u32,
    /// `sock.sk_max_ack_backlog`
    pub sk_max_ack_backlog: u32,
    /// `Qdisc.ops`
    pub qdisc_ops: u32,
    /// `Qdisc_ops.id`
    pub qdisc_id: u32,
    /// `sock.sk_socket`
    pub sk_socket: u32,
    /// `socket_alloc.vfs_inode.i_ino`, from the `struct socket` at its start
    pub socket_inode: u32,
    /// `sk_buff.cb`
    pub skb_cb: u32,
    /// `sk_buff._nfct`
    pub skb_nfct: u32,
    /// `net_device.priv_flags`
    pub dev_priv_flags: u32,
    /// `dst_entry.flags`
    pub dst_flags: u32,
    /// `dst_entry.dev`
    pub dst_dev: u32,
    /// `rtable.rt_type`
    pub rt_type: u32,
    /// `rtable.rt_is_input`
    pub rt_is_input: u32,
    /// `rt6_info.rt6i_flags`
    pub rt6_flags: u32,
    /// `skb_shared_info.gso_size`
    pub shinfo_gso_size: u32,
    /// `skb_shared_info.gso_segs`: right behind `gso_size` (5.10 to 7.2)
    pub shinfo_gso_segs: u32,
    /// `task_struct.stack`
    pub task_stack: u32,
    /// `task_struct.flags`
    pub task_flags: u32,
    /// `napi_struct.dev`
    pub napi_dev: u32,
    /// `napi_struct.napi_id`
    pub napi_id: u32,
    /// `napi_struct.poll`
    pub napi_poll: u32,
    /// Where the `sock_common` of a `request_sock` lies, beyond where that of a
    /// `sock` does
    pub req_common: u32,
    /// `sk_buff.vlan_proto`
    pub skb_vlan_proto: u32,
    /// `sk_buff.vlan_tci`
    pub skb_vlan_tci: u32,
    /// `sk_buff.vlan_present`, a bit field until 6.1
    pub skb_vlan_present: u32,
    /// Shift of that bit
    pub skb_vlan_present_shift: u32,
    /// `sk_buff.sender_cpu`
    pub skb_sender_cpu: u32,
}

/// An [`Offsets`] member that the running kernel lacks.
pub const ABSENT: u32 = u32::MAX;

/// What the programs do; fixed while they are loaded.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoBytes, Immutable)]
pub struct Features {
    /// Arguments of `skb:kfree_skb`: 2, 3 (with the reason) or 4 (with `rx_sk`).
    pub kfree_skb_args: u32,
    /// Count flows.
    pub flows: u32,
    /// Count what follows the drops of TCP flows.
    pub consequences: u32,
    /// One of the `EMIT_*` values.
    pub emit: u32,
    /// Send the kernel stack with every event.
    pub stack: u32,
    /// The per-packet hooks are attached, so tags are worth reading.
    pub tags: u32,
    /// The kernel never runs a program inside itself on one CPU (the guard of
    /// `__bpf_trace_run`, `kernel/trace/bpf_trace.c`, 6.1+): plain adds are exact.
    pub guarded: u32,
    /// Possible CPUs.
    pub cpus: u32,
    /// Bytes of a kernel stack (`THREAD_SIZE`), to tell task from interrupt
    /// context.
    pub thread_size: u32,
    /// The number of `NOT_SPECIFIED`; `u32::MAX` where there are no reasons.
    pub reason_not_specified: u32,
    /// The number of `NETFILTER_DROP`; `u32::MAX` where there is none.
    pub reason_netfilter: u32,
    /// `IFF_EBRIDGE` of `enum netdev_priv_flags`; 0 where there is none.
    pub bridge_flag: u32,
    /// `IFF_BRIDGE_PORT` of `enum netdev_priv_flags`; 0 where there is none.
    pub bridge_port_flag: u32,
    /// Put the stack into the site key.
    pub stack_key: u32,
    /// The kernel has control groups.
    pub cgroups: u32,
    /// The kernel tells which qdisc drops (`qdisc:qdisc_drop`).
    pub qdiscs: u32,
    /// Send the packet's first bytes with every event.
    pub headers: u32,
    /// Count histograms.
    pub histograms: u32,
}

/// No events.
pub const EMIT_NONE: u32 = 0;
/// Every drop.
pub const EMIT_ALL: u32 = 1;
/// The first drop of a site in an interval, with its stack, where the reason
/// leaves the stage open: a hint.
pub const EMIT_HINTS: u32 = 2;
/// The first drop of a site in an interval, and others as long as the CPU's
/// allowance lasts ([`Control::allowance`](crate::area::Control::allowance)).
pub const EMIT_SOME: u32 = 3;
