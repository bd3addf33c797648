//! The only reader of kernel memory. What can be loaded through the
//! tracepoint's typed argument is loaded directly (a fault reads 0); what only
//! an untyped pointer leads to is copied with `bpf_probe_read_kernel`.

use aya_ebpf::helpers::{bpf_get_current_task, generated::bpf_probe_read_kernel};

use netdrop_ebpf::{config::ABSENT, headers::Memory};

use crate::constants::{offset, rules};

/// `PF_KTHREAD` (include/linux/sched.h, 5.10 to 7.2).
const PF_KTHREAD: u32 = 0x0020_0000;

/// Lowest inode number of a namespace: `PROC_UTS_INIT_INO` and its
/// neighbours start at 0xEFFFFFFB (`include/linux/proc_ns.h`), dynamic ones at
/// 0xF0000000.
const LOWEST_NAMESPACE: u32 = 0xEFFF_FF00;

/// Copies `N` bytes of kernel memory to where `to` points: `N` writable bytes.
#[inline(always)]
pub(crate) fn copy<const N: usize>(address: u64, to: *mut u8) -> bool {
    // SAFETY: the helper checks the source; the verifier checks the target.
    let result = unsafe { bpf_probe_read_kernel(to.cast(), N as u32, address as *const _) };
    result == 0
}

#[inline(always)]
fn copy_u64(address: u64) -> u64 {
    let mut bytes = [0; 8];
    if copy::<8>(address, bytes.as_mut_ptr()) {
        u64::from_ne_bytes(bytes)
    } else {
        0
    }
}

#[inline(always)]
fn copy_u32(address: u64) -> u32 {
    let mut bytes = [0; 4];
    if copy::<4>(address, bytes.as_mut_ptr()) {
        u32::from_ne_bytes(bytes)
    } else {
        0
    }
}

#[inline(always)]
fn copy_u16(address: u64) -> u16 {
    let mut bytes = [0; 2];
    if copy::<2>(address, bytes.as_mut_ptr()) {
        u16::from_ne_bytes(bytes)
    } else {
        0
    }
}

/// Loads a member through a typed kernel pointer.
#[inline(always)]
fn load<T: Copy>(base: *const u8, offset: u32) -> T {
    // SAFETY: the verifier knows the type behind `base` and the offset, and
    // turns a fault into a read of 0.
    unsafe { core::ptr::read_volatile(base.add(offset as usize).cast::<T>()) }
}

/// `struct sk_buff`.
#[derive(Clone, Copy)]
pub(crate) struct Skb(pub(crate) *const u8);

impl Skb {
    #[inline(always)]
    pub(crate) fn len(self) -> u32 {
        load(self.0, offset!(skb_len))
    }

    /// Interface index of the receiving device; 0 for a local packet.
    #[inline(always)]
    pub(crate) fn iif(self) -> u32 {
        load(self.0, offset!(skb_iif))
    }

    /// Ethertype in host byte order.
    #[inline(always)]
    pub(crate) fn protocol(self) -> u16 {
        u16::from_be(load(self.0, offset!(skb_protocol)))
    }

    #[inline(always)]
    pub(crate) fn head(self) -> u64 {
        load(self.0, offset!(skb_head))
    }

    /// `data` as an offset from `head`.
    #[inline(always)]
    pub(crate) fn data_offset(self) -> u32 {
        let data: u64 = load(self.0, offset!(skb_data));
        data.wrapping_sub(self.head()) as u32
    }

    #[inline(always)]
    pub(crate) fn tail(self) -> u32 {
        load(self.0, offset!(skb_tail))
    }

    #[inline(always)]
    pub(crate) fn network_header(self) -> u16 {
        load(self.0, offset!(skb_network_header))
    }

    #[inline(always)]
    pub(crate) fn transport_header(self) -> u16 {
        load(self.0, offset!(skb_transport_header))
    }

    #[inline(always)]
    pub(crate) fn mac_header(self) -> u16 {
        load(self.0, offset!(skb_mac_header))
    }

    #[inline(always)]
    pub(crate) fn is_routed(self) -> bool {
        if offset!(skb_refdst) == ABSENT {
            return false;
        }
        let refdst: u64 = load(self.0, offset!(skb_refdst));
        refdst > 1
    }

    /// The attached route.
    #[inline(always)]
    pub(crate) fn route(self) -> Option<Route> {
        /// `SKB_DST_NOREF` (include/linux/skbuff.h).
        const NOT_COUNTED: u64 = 1;
        if offset!(skb_refdst) == ABSENT {
            return None;
        }
        let refdst: u64 = load(self.0, offset!(skb_refdst));
        let route = refdst & !NOT_COUNTED;
        (route != 0).then_some(Route(route))
    }

    /// The first word of the control block.
    #[inline(always)]
    pub(crate) fn control_block(self) -> u32 {
        if offset!(skb_cb) == ABSENT {
            return 0;
        }
        copy_u32(self.0 as u64 + u64::from(offset!(skb_cb)))
    }

    /// Is a conntrack entry attached?
    #[inline(always)]
    pub(crate) fn is_tracked(self) -> bool {
        /// `NFCT_PTRMASK` (include/linux/skbuff.h).
        const POINTER: u64 = !7;
        if offset!(skb_nfct) == ABSENT {
            return false;
        }
        let entry: u64 = load(self.0, offset!(skb_nfct));
        entry & POINTER != 0
    }

    #[inline(always)]
    pub(crate) fn packet_type(self) -> u16 {
        let byte: u8 = load(self.0, offset!(skb_pkt_type));
        u16::from(byte >> offset!(skb_pkt_type_shift)) & 7
    }

    #[inline(always)]
    pub(crate) fn device(self) -> NetDevice {
        NetDevice(load(self.0, offset!(skb_dev)))
    }

    /// The owning socket. Until 6.8 the pointer shares a union with
    /// `ip_defrag_offset`, so only a kernel address is a socket.
    #[inline(always)]
    pub(crate) fn socket(self) -> Option<Sock> {
        let sk: i64 = load(self.0, offset!(skb_sk));
        if sk >= 0 {
            return None;
        }
        // Loaded again, because the verifier wants to see a null check (6.4+)
        // that the compiler takes for implied.
        Sock::from_pointer(load(self.0, offset!(skb_sk)))
    }

    /// `gso_size` and `gso_segs`.
    #[inline(always)]
    pub(crate) fn gso(self) -> (u16, u16) {
        let end: u32 = load(self.0, offset!(skb_end));
        let both = copy_u32(self.head() + u64::from(end) + u64::from(offset!(shinfo_gso_size)));
        let bytes = both.to_ne_bytes();
        (
            u16::from_ne_bytes([bytes[0], bytes[1]]),
            u16::from_ne_bytes([bytes[2], bytes[3]]),
        )
    }
}

/// `struct Qdisc`; read only by copying, since it is rarely needed.
#[derive(Clone, Copy)]
pub(crate) struct Qdisc(pub(crate) u64);

impl Qdisc {
    /// Copies the name of its kind to where `to` points: 16 writable bytes.
    #[inline(always)]
    pub(crate) fn kind(self, to: *mut u8) -> bool {
        if offset!(qdisc_ops) == ABSENT || offset!(qdisc_id) == ABSENT {
            return false;
        }
        let ops = copy_u64(self.0 + u64::from(offset!(qdisc_ops)));
        ops != 0 && copy::<16>(ops + u64::from(offset!(qdisc_id)), to)
    }
}

impl Memory for Skb {
    #[inline(always)]
    fn head(self) -> u64 {
        self.head()
    }

    #[inline(always)]
    fn tail(self) -> u32 {
        self.tail()
    }

    #[inline(always)]
    fn mac_header(self) -> u16 {
        self.mac_header()
    }

    #[inline(always)]
    fn network_header(self) -> u16 {
        self.network_header()
    }

    #[inline(always)]
    fn transport_header(self) -> u16 {
        self.transport_header()
    }

    #[inline(always)]
    fn protocol(self) -> u16 {
        self.protocol()
    }

    #[inline(always)]
    fn stripped_tag(self) -> (u16, u16) {
        if offset!(skb_vlan_proto) == ABSENT || offset!(skb_vlan_tci) == ABSENT {
            return (0, 0);
        }
        let ethertype: u16 = load(self.0, offset!(skb_vlan_proto));
        // Until 6.1 a bit says whether there is one, and the rest may be left
        // from one that was taken away (include/linux/skbuff.h).
        if offset!(skb_vlan_present) != ABSENT {
            let byte: u8 = load(self.0, offset!(skb_vlan_present));
            if byte >> offset!(skb_vlan_present_shift) & 1 == 0 {
                return (0, 0);
            }
        }
        (u16::from_be(ethertype), load(self.0, offset!(skb_vlan_tci)))
    }

    #[inline(always)]
    fn is_filtered(self) -> bool {
        // SAFETY: a live static.
        unsafe { core::ptr::read_volatile(&raw const rules().length) != 0 }
    }

    #[inline(always)]
    fn copy<const N: usize>(self, address: u64, to: *mut u8) -> bool {
        copy::<N>(address, to)
    }
}

/// `struct napi_struct`.
#[derive(Clone, Copy)]
pub(crate) struct Napi(pub(crate) *const u8);

impl Napi {
    /// The device it polls for; null for a CPU's backlog.
    #[inline(always)]
    pub(crate) fn device(self) -> NetDevice {
        if offset!(napi_dev) == ABSENT {
            return NetDevice(core::ptr::null());
        }
        NetDevice(load(self.0, offset!(napi_dev)))
    }

    /// Its number; 0 where it has none.
    #[inline(always)]
    pub(crate) fn id(self) -> u32 {
        if offset!(napi_id) == ABSENT {
            return 0;
        }
        load(self.0, offset!(napi_id))
    }

    /// Address of its poll function.
    #[inline(always)]
    pub(crate) fn poll(self) -> u64 {
        if offset!(napi_poll) == ABSENT {
            return 0;
        }
        load(self.0, offset!(napi_poll))
    }
}

/// `struct net_device`, or whatever else the union in the skb holds.
#[derive(Clone, Copy)]
pub(crate) struct NetDevice(*const u8);

impl NetDevice {
    /// Interface index and namespace, where this really is a device: the union
    /// holds other things once the skb is queued.
    #[inline(always)]
    pub(crate) fn identity(self) -> Option<(u32, u32)> {
        if self.0.is_null() || offset!(dev_net) == ABSENT || offset!(net_inum) == ABSENT {
            return None;
        }
        let ifindex: u32 = load(self.0, offset!(dev_ifindex));
        let net: *const u8 = load(self.0, offset!(dev_net));
        let netns: u32 = load(net, offset!(net_inum));
        (netns >= LOWEST_NAMESPACE && ifindex.wrapping_sub(1) < 1 << 30).then_some((ifindex, netns))
    }
}

impl NetDevice {
    /// Bits of `enum netdev_priv_flags`.
    #[inline(always)]
    pub(crate) fn private_flags(self) -> u32 {
        if self.0.is_null() || offset!(dev_priv_flags) == ABSENT {
            return 0;
        }
        load(self.0, offset!(dev_priv_flags))
    }

    #[inline(always)]
    pub(crate) fn address(self) -> u64 {
        self.0 as u64
    }
}

/// `struct dst_entry`, at the start of the `rtable` (IPv4) or `rt6_info` (IPv6)
/// it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Route(u64);

impl Route {
    /// Bits `DST_*` (include/net/dst.h).
    #[inline(always)]
    pub(crate) fn flags(self) -> u16 {
        if offset!(dst_flags) == ABSENT {
            return u16::MAX;
        }
        copy_u16(self.0 + u64::from(offset!(dst_flags)))
    }

    /// Address of its `net_device`.
    #[inline(always)]
    pub(crate) fn device(self) -> u64 {
        if offset!(dst_dev) == ABSENT {
            return 0;
        }
        copy_u64(self.0 + u64::from(offset!(dst_dev)))
    }

    /// `RTN_*` of an IPv4 route (include/uapi/linux/rtnetlink.h).
    #[inline(always)]
    pub(crate) fn v4_type(self) -> u16 {
        if offset!(rt_type) == ABSENT {
            return 0;
        }
        copy_u16(self.0 + u64::from(offset!(rt_type)))
    }

    /// Was the IPv4 route looked up for a received packet?
    #[inline(always)]
    pub(crate) fn is_v4_input(self) -> bool {
        offset!(rt_is_input) != ABSENT
            && copy_u16(self.0 + u64::from(offset!(rt_is_input))) & 0xFF != 0
    }

    /// `RTF_*` of an IPv6 route (include/uapi/linux/route.h, `ipv6_route.h`).
    #[inline(always)]
    pub(crate) fn v6_flags(self) -> u32 {
        if offset!(rt6_flags) == ABSENT {
            return 0;
        }
        copy_u32(self.0 + u64::from(offset!(rt6_flags)))
    }
}

/// `struct sock`; read only by copying, since the verifier's rules for it
/// change from version to version.
#[derive(Clone, Copy)]
pub(crate) struct Sock(u64);

impl Sock {
    #[inline(always)]
    pub(crate) fn from_pointer(pointer: *const u8) -> Option<Self> {
        (!pointer.is_null()).then_some(Self(pointer as u64))
    }

    #[inline(always)]
    pub(crate) fn at(address: u64) -> Option<Self> {
        (address != 0).then_some(Self(address))
    }

    #[inline(always)]
    pub(crate) fn address(self) -> u64 {
        self.0
    }

    /// Inode number of the file that stands for it; 0 where it has none: a
    /// request or time-wait socket, one not accepted yet or closed.
    #[inline(always)]
    pub(crate) fn inode(self) -> u64 {
        /// `include/net/tcp_states.h`, 5.10 to 7.2.
        const TIME_WAIT: u8 = 6;
        const NEW_SYN_RECV: u8 = 12;
        if offset!(sk_socket) == ABSENT || offset!(socket_inode) == ABSENT {
            return 0;
        }
        let state = self.state();
        // The sockets of TUN and TAP have no family, and no inode of sockfs.
        if state == TIME_WAIT || state == NEW_SYN_RECV || self.family() == 0 {
            return 0;
        }
        let socket = copy_u64(self.0 + u64::from(offset!(sk_socket)));
        if socket == 0 {
            return 0;
        }
        copy_u64(socket + u64::from(offset!(socket_inode)))
    }

    #[inline(always)]
    pub(crate) fn netns(self) -> u32 {
        let net = copy_u64(self.0 + u64::from(offset!(sk_net)));
        if net == 0 {
            return 0;
        }
        let netns = copy_u32(net + u64::from(offset!(net_inum)));
        if netns >= LOWEST_NAMESPACE { netns } else { 0 }
    }

    #[inline(always)]
    pub(crate) fn family(self) -> u16 {
        copy_u16(self.0 + u64::from(offset!(sk_family)))
    }

    #[inline(always)]
    pub(crate) fn state(self) -> u8 {
        copy_u16(self.0 + u64::from(offset!(sk_state))) as u8
    }

    #[inline(always)]
    pub(crate) fn protocol(self) -> u8 {
        copy_u16(self.0 + u64::from(offset!(sk_protocol))) as u8
    }

    /// Local and remote port in host byte order.
    #[inline(always)]
    pub(crate) fn ports(self) -> (u16, u16) {
        (
            copy_u16(self.0 + u64::from(offset!(sk_num))),
            u16::from_be(copy_u16(self.0 + u64::from(offset!(sk_dport)))),
        )
    }

    /// Local and remote IPv4 address, 4 bytes each.
    #[inline(always)]
    pub(crate) fn addresses_v4(self, local: *mut u8, remote: *mut u8) -> bool {
        copy::<4>(self.0 + u64::from(offset!(sk_rcv_saddr)), local)
            && copy::<4>(self.0 + u64::from(offset!(sk_daddr)), remote)
    }

    /// Local and remote IPv6 address, 16 bytes each.
    #[inline(always)]
    pub(crate) fn addresses_v6(self, local: *mut u8, remote: *mut u8) -> bool {
        copy::<16>(self.0 + u64::from(offset!(sk_v6_rcv_saddr)), local)
            && copy::<16>(self.0 + u64::from(offset!(sk_v6_daddr)), remote)
    }
}

/// Is the current task the one that runs this code, in a system call of its
/// own? `context` is an address on the stack in use.
///
/// It must lie on the task's stack, which softirqs and interrupts of kernel
/// code leave; an interrupt of user code stays there, but then the registers
/// saved at the stack's top say that no system call was made (`orig_ax` -1,
/// arch/x86/entry, 5.10 to 7.2). Elsewhere than on `x86_64` nothing is proven:
/// `thread_size` is 0.
#[inline(always)]
pub(crate) fn in_own_system_call(context: u64, thread_size: u32) -> bool {
    // SAFETY: the helper takes no arguments.
    let task = unsafe { bpf_get_current_task() };
    if copy_u32(task + u64::from(offset!(task_flags))) & PF_KTHREAD != 0 {
        return false;
    }
    let stack = copy_u64(task + u64::from(offset!(task_stack)));
    let size = u64::from(thread_size);
    if stack == 0 || context.wrapping_sub(stack) >= size {
        return false;
    }
    // Kernels with FRED keep 16 bytes free at the top (6.9+); the code segment
    // tells which it is.
    let top = stack + size;
    is_system_call(top).or_else(|| is_system_call(top - 16)) == Some(true)
}

/// Reads the last six words of `struct pt_regs`: `orig_ax`, ip, cs, flags, sp,
/// ss. `None` when they are no registers of user code.
#[inline(always)]
fn is_system_call(end: u64) -> Option<bool> {
    const USER_CS: u64 = 0x33;
    const USER32_CS: u64 = 0x23;
    let code_segment = copy_u64(end - 32) & 0xFFFF;
    if code_segment != USER_CS && code_segment != USER32_CS {
        return None;
    }
    Some(copy_u64(end - 48) >> 63 == 0)
}
