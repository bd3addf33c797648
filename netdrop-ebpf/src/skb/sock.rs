//! Sockets.

use netdrop_ebpf::config::ABSENT;

use super::{LOWEST_NAMESPACE, copy, copy_u16, copy_u32, copy_u64};
use crate::constants::offset;

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

    /// Does it listen, and is there no room for another connection? As
    /// `sk_acceptq_is_full` says it (include/net/sock.h, 5.10 to 7.2).
    #[inline(always)]
    pub(crate) fn is_accept_queue_full(self) -> bool {
        /// `include/net/tcp_states.h`, 5.10 to 7.2. Others may be smaller than a
        /// `struct sock`.
        const LISTEN: u8 = 10;
        if offset!(sk_ack_backlog) == ABSENT || offset!(sk_max_ack_backlog) == ABSENT {
            return false;
        }
        self.state() == LISTEN
            && copy_u32(self.0 + u64::from(offset!(sk_ack_backlog)))
                > copy_u32(self.0 + u64::from(offset!(sk_max_ack_backlog)))
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
