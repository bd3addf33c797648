//! Whole Ethernet frames on a packet socket.

use std::{
    io,
    os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
};

use super::owned;

const AF_PACKET: u16 = 17;

/// `struct sockaddr_ll`: only family and device matter to a sender.
#[repr(C)]
struct LinkAddress {
    family: u16,
    protocol: u16,
    ifindex: i32,
    rest: [u8; 12],
}

const LINK_ADDRESS_SIZE: libc::socklen_t = 20;
const _: () = assert!(size_of::<LinkAddress>() == 20);

/// The protocol number of IPv4, in network order.
const IPV4: u16 = 0x0800_u16.to_be();

/// A packet socket that sends whole Ethernet frames from a device of the
/// thread's network namespace. Unless it listens it takes no copies of what
/// others send.
pub(crate) struct FrameSocket {
    socket: OwnedFd,
}

impl FrameSocket {
    /// Opens the socket on a device.
    ///
    /// # Errors
    /// The errno of socket(2) or bind(2).
    pub(crate) fn open(ifindex: u32) -> io::Result<Self> {
        Self::bound(ifindex, 0)
    }

    /// Opens the socket on a device and takes copies of the IPv4 packets that
    /// the device receives.
    ///
    /// # Errors
    /// The errno of socket(2) or bind(2).
    pub(crate) fn listen(ifindex: u32) -> io::Result<Self> {
        Self::bound(ifindex, IPV4)
    }

    fn bound(ifindex: u32, protocol: u16) -> io::Result<Self> {
        // SAFETY: a call without pointers.
        let socket =
            unsafe { libc::socket(AF_PACKET.into(), libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if socket < 0 {
            return Err(io::Error::last_os_error());
        }
        let socket = owned(socket);
        let address = LinkAddress {
            family: AF_PACKET,
            protocol,
            ifindex: ifindex.cast_signed(),
            rest: [0; 12],
        };
        // SAFETY: the address is alive and of the given size.
        let bound = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                LINK_ADDRESS_SIZE,
            )
        };
        if bound < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(Self { socket })
        }
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// The errno of send(2).
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: the frame is alive and of the given length.
        let sent = unsafe {
            libc::send(
                self.socket.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
            )
        };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// The frames that the socket had no room for since the last call.
    ///
    /// # Errors
    /// The errno of getsockopt(2).
    pub(crate) fn lost(&self) -> io::Result<u64> {
        // `struct tpacket_stats`: packets and drops.
        let mut statistics = [0_u32; 2];
        let mut size: libc::socklen_t = 8;
        // SAFETY: the array is alive and of the given size.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                statistics.as_mut_ptr().cast(),
                &raw mut size,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(statistics[1].into())
    }

    /// Takes the next received frame, if there is one.
    ///
    /// # Errors
    /// The errno of recv(2).
    pub(crate) fn receive(&self) -> io::Result<Option<Vec<u8>>> {
        let mut frame = vec![0; 2048];
        // SAFETY: the buffer is alive and of the given length.
        let received = unsafe {
            libc::recv(
                self.socket.as_raw_fd(),
                frame.as_mut_ptr().cast(),
                frame.len(),
                libc::MSG_DONTWAIT,
            )
        };
        match usize::try_from(received) {
            Ok(length) => {
                frame.truncate(length);
                Ok(Some(frame))
            }
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                error => Err(error),
            },
        }
    }
}

impl AsFd for FrameSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
