//! The only reader of kernel memory. What can be loaded through the
//! tracepoint's typed argument is loaded directly (a fault reads 0); what only
//! an untyped pointer leads to is copied with `bpf_probe_read_kernel`.

mod device;
mod sock;
mod task;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use netdrop_ebpf::{config::ABSENT, headers::Memory};

pub(crate) use self::{
    device::{Napi, NetDevice, Qdisc, Route},
    sock::Sock,
    task::in_own_system_call,
};
use crate::constants::{offset, rules};

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

    /// 1 + the CPU that chose its transmit queue (`netdev_core_pick_tx`,
    /// net/core/dev.c, 5.10 to 7.2; it sets it where it is not set). Of a received
    /// packet that was not sent here a NAPI number, which is greater; 0 when
    /// unknown.
    #[inline(always)]
    pub(crate) fn sender_cpu(self) -> u32 {
        if offset!(skb_sender_cpu) == ABSENT {
            return 0;
        }
        load(self.0, offset!(skb_sender_cpu))
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
