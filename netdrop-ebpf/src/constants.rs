//! The read-only globals that user space fills in before loading. They are
//! read with volatile loads, so that the compiler cannot assume the values
//! they have here; the verifier knows the real ones.

use netdrop_ebpf::{
    config::{Features, Offsets},
    filter::Rules,
};

#[unsafe(no_mangle)]
static OFFSETS: Offsets = Offsets {
    skb_dev: 0,
    skb_sk: 0,
    skb_len: 0,
    skb_iif: 0,
    skb_protocol: 0,
    skb_transport_header: 0,
    skb_network_header: 0,
    skb_mac_header: 0,
    skb_tail: 0,
    skb_end: 0,
    skb_head: 0,
    skb_data: 0,
    skb_refdst: 0,
    skb_pkt_type: 0,
    skb_pkt_type_shift: 0,
    dev_ifindex: 0,
    dev_net: 0,
    net_inum: 0,
    net_loopback: 0,
    sk_net: 0,
    sk_family: 0,
    sk_state: 0,
    sk_rcv_saddr: 0,
    sk_daddr: 0,
    sk_v6_rcv_saddr: 0,
    sk_v6_daddr: 0,
    sk_num: 0,
    sk_dport: 0,
    sk_protocol: 0,
    sk_ack_backlog: 0,
    sk_max_ack_backlog: 0,
    qdisc_ops: 0,
    qdisc_id: 0,
    sk_socket: 0,
    socket_inode: 0,
    skb_cb: 0,
    skb_nfct: 0,
    dev_priv_flags: 0,
    dst_flags: 0,
    dst_dev: 0,
    rt_type: 0,
    rt_is_input: 0,
    rt6_flags: 0,
    shinfo_gso_size: 0,
    shinfo_gso_segs: 0,
    task_stack: 0,
    task_flags: 0,
    napi_dev: 0,
    napi_id: 0,
    napi_poll: 0,
    req_common: 0,
    skb_vlan_proto: 0,
    skb_vlan_tci: 0,
    skb_vlan_present: 0,
    skb_vlan_present_shift: 0,
    skb_sender_cpu: 0,
};

#[unsafe(no_mangle)]
static FEATURES: Features = Features {
    kfree_skb_args: 2,
    flows: 0,
    consequences: 0,
    emit: 0,
    stack: 0,
    tags: 0,
    guarded: 0,
    cpus: 1,
    thread_size: 0,
    reason_not_specified: 0,
    reason_netfilter: 0,
    bridge_flag: 0,
    bridge_port_flag: 0,
    stack_key: 0,
    cgroups: 0,
    qdiscs: 0,
    headers: 0,
    histograms: 0,
};

#[unsafe(no_mangle)]
static RULES: Rules = Rules::NONE;

/// The offset named by a field of [`Offsets`].
macro_rules! offset {
    ($field:ident) => {{
        // SAFETY: the field belongs to a live static.
        unsafe { core::ptr::read_volatile(&raw const (*$crate::constants::offsets()).$field) }
    }};
}
pub(crate) use offset;

/// The value of a field of [`Features`].
macro_rules! setting {
    ($field:ident) => {{
        // SAFETY: the field belongs to a live static.
        unsafe { core::ptr::read_volatile(&raw const (*$crate::constants::settings()).$field) }
    }};
}
pub(crate) use setting;

#[inline(always)]
pub(crate) const fn offsets() -> *const Offsets {
    &raw const OFFSETS
}

#[inline(always)]
pub(crate) const fn settings() -> *const Features {
    &raw const FEATURES
}

/// The filter.
#[inline(always)]
pub(crate) const fn rules() -> &'static Rules {
    &RULES
}
