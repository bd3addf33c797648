//! Where the members that the programs read lie on the running kernel.

use netdrop_ebpf::config::{ABSENT, Offsets};

use super::btf::{Btf, Member};

/// A member without which drops cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the kernel's BTF has no member {structure}.{member}; \
     this kernel is older than 5.10 or too new for this netdrop"
)]
pub struct OffsetError {
    /// The struct.
    pub structure: &'static str,
    /// The path of the member.
    pub member: &'static str,
}

/// Looks up every member of [`Offsets`].
///
/// [`ABSENT`] may be: the IPv6 addresses (kernel without `CONFIG_IPV6`), the
/// namespace pointers and number (without `CONFIG_NET_NS`), the GSO and VLAN fields,
/// the route and what it leads to, a socket's file, a qdisc's kind, and those of `task_struct`
/// and `napi_struct`.
///
/// # Errors
///
/// Names the first essential member that the BTF lacks.
pub fn offsets(btf: &Btf<'_>) -> Result<Offsets, OffsetError> {
    let find = |structure, member| -> Result<Member, OffsetError> {
        btf.member(structure, member)
            .ok_or(OffsetError { structure, member })
    };
    let need = |structure, member| find(structure, member).map(|found| found.byte_offset());
    let may = |structure, member| need(structure, member).unwrap_or(ABSENT);
    let skb = |member| need("sk_buff", member);
    let sock = |member| need("sock", member);
    let packet_type = find("sk_buff", "pkt_type")?;
    let tag = btf.member("sk_buff", "vlan_present");
    Ok(Offsets {
        skb_dev: skb("dev")?,
        skb_sk: skb("sk")?,
        skb_len: skb("len")?,
        skb_iif: skb("skb_iif")?,
        skb_protocol: skb("protocol")?,
        skb_transport_header: skb("transport_header")?,
        skb_network_header: skb("network_header")?,
        skb_mac_header: skb("mac_header")?,
        skb_tail: skb("tail")?,
        skb_end: skb("end")?,
        skb_head: skb("head")?,
        skb_data: skb("data")?,
        skb_refdst: may("sk_buff", "_skb_refdst"),
        skb_pkt_type: packet_type.byte_offset(),
        skb_pkt_type_shift: packet_type.shift(),
        dev_ifindex: need("net_device", "ifindex")?,
        dev_net: may("net_device", "nd_net.net"),
        net_inum: may("net", "ns.inum"),
        net_loopback: may("net", "loopback_dev"),
        sk_net: may("sock", "__sk_common.skc_net.net"),
        sk_family: sock("__sk_common.skc_family")?,
        sk_state: sock("__sk_common.skc_state")?,
        sk_rcv_saddr: sock("__sk_common.skc_rcv_saddr")?,
        sk_daddr: sock("__sk_common.skc_daddr")?,
        sk_v6_rcv_saddr: may("sock", "__sk_common.skc_v6_rcv_saddr"),
        sk_v6_daddr: may("sock", "__sk_common.skc_v6_daddr"),
        sk_num: sock("__sk_common.skc_num")?,
        sk_dport: sock("__sk_common.skc_dport")?,
        sk_protocol: sock("sk_protocol")?,
        sk_ack_backlog: may("sock", "sk_ack_backlog"),
        sk_max_ack_backlog: may("sock", "sk_max_ack_backlog"),
        qdisc_ops: may("Qdisc", "ops"),
        qdisc_id: may("Qdisc_ops", "id"),
        sk_socket: may("sock", "sk_socket"),
        socket_inode: may("socket_alloc", "vfs_inode.i_ino"),
        skb_cb: may("sk_buff", "cb"),
        skb_nfct: may("sk_buff", "_nfct"),
        dev_priv_flags: may("net_device", "priv_flags"),
        dst_flags: may("dst_entry", "flags"),
        dst_dev: may("dst_entry", "dev"),
        rt_type: may("rtable", "rt_type"),
        rt_is_input: may("rtable", "rt_is_input"),
        rt6_flags: may("rt6_info", "rt6i_flags"),
        shinfo_gso_size: may("skb_shared_info", "gso_size"),
        shinfo_gso_segs: may("skb_shared_info", "gso_segs"),
        task_stack: may("task_struct", "stack"),
        task_flags: may("task_struct", "flags"),
        napi_dev: may("napi_struct", "dev"),
        napi_id: may("napi_struct", "napi_id"),
        napi_poll: may("napi_struct", "poll"),
        skb_vlan_proto: may("sk_buff", "vlan_proto"),
        skb_vlan_tci: may("sk_buff", "vlan_tci"),
        skb_vlan_present: tag.map_or(ABSENT, |bit| bit.byte_offset()),
        skb_vlan_present_shift: tag.map_or(0, |bit| bit.shift()),
        skb_sender_cpu: may("sk_buff", "sender_cpu"),
        req_common: match (
            may("request_sock", "__req_common"),
            may("sock", "__sk_common"),
        ) {
            (ABSENT, _) | (_, ABSENT) => ABSENT,
            (request, sock) => request.wrapping_sub(sock),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{ABSENT, Btf, OffsetError, offsets};
    use crate::kernel::btf::builder::Builder;

    fn blob(with_tail: bool) -> Vec<u8> {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        let names = [
            "dev",
            "sk",
            "len",
            "skb_iif",
            "protocol",
            "transport_header",
            "network_header",
            "mac_header",
            "end",
            "head",
            "data",
        ];
        let mut members: Vec<_> = (0..)
            .step_by(64)
            .zip(names)
            .map(|(offset, name)| (name, int, offset, 0))
            .collect();
        members.push(("pkt_type", int, 1024 + 5, 3));
        if with_tail {
            members.push(("tail", int, 2048, 0));
        }
        builder.structure("sk_buff", 300, &members);
        builder.structure("net_device", 8, &[("ifindex", int, 32, 0)]);
        let common = builder.structure(
            "sock_common",
            32,
            &[
                ("skc_family", int, 0, 0),
                ("skc_state", int, 16, 0),
                ("skc_rcv_saddr", int, 32, 0),
                ("skc_daddr", int, 64, 0),
                ("skc_num", int, 96, 0),
                ("skc_dport", int, 112, 0),
            ],
        );
        builder.structure(
            "sock",
            64,
            &[("__sk_common", common, 64, 0), ("sk_protocol", int, 328, 8)],
        );
        builder.build()
    }

    #[test]
    fn members_are_found_and_missing_optional_ones_are_absent() {
        let btf = Btf::parse(blob(true), None).unwrap();
        let offsets = offsets(&btf).unwrap();
        assert_eq!(offsets.skb_sk, 8);
        assert_eq!(offsets.skb_tail, 256);
        assert_eq!((offsets.skb_pkt_type, offsets.skb_pkt_type_shift), (128, 5));
        assert_eq!(offsets.sk_num, 8 + 12);
        assert_eq!(offsets.sk_protocol, 41);
        assert_eq!(offsets.sk_v6_daddr, ABSENT);
        assert_eq!(offsets.dev_net, ABSENT);
    }

    #[test]
    fn a_missing_essential_member_is_named() {
        let btf = Btf::parse(blob(false), None).unwrap();
        let error = offsets(&btf).unwrap_err();
        assert_eq!(
            error,
            OffsetError {
                structure: "sk_buff",
                member: "tail"
            }
        );
        assert!(error.to_string().contains("sk_buff.tail"));
    }
}
