//! What only a socket's own descriptor tells.

use std::{
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
};

/// `SO_BUF_LOCK` (include/uapi/asm-generic/socket.h, 5.14 and later).
const SO_BUF_LOCK: libc::c_int = 72;
/// `SOCK_RCVBUF_LOCK` (include/uapi/linux/socket.h, fixed by that option).
const SOCK_RCVBUF_LOCK: u32 = 2;

/// A copy of another process's descriptor, for as short a time as possible: what
/// the process closes meanwhile stays open.
///
/// # Errors
/// Without `CAP_SYS_PTRACE` for processes of others, and when it is gone.
pub(crate) fn descriptor_of(pid: u32, descriptor: u32) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers; the kernel checks them.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let process = process.as_raw_fd();
    // SAFETY: the first descriptor is open, the rest are plain numbers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, descriptor, 0) })
}

/// Was `SO_RCVBUF` set? That ends the automatic tuning of TCP.
///
/// # Errors
/// `ENOPROTOOPT` before 5.14.
pub(crate) fn receive_buffer_is_fixed(socket: &OwnedFd) -> io::Result<bool> {
    let mut locks: u32 = 0;
    let mut length: libc::socklen_t = 4;
    // SAFETY: both pointers are to locals that outlive the call, the second tells
    // the size of the first.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_BUF_LOCK,
            std::ptr::from_mut(&mut locks).cast(),
            &raw mut length,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(locks & SOCK_RCVBUF_LOCK != 0)
}

fn owned(descriptor: libc::c_long) -> io::Result<OwnedFd> {
    match libc::c_int::try_from(descriptor) {
        // SAFETY: the kernel has just made it, and nobody else has it.
        Ok(descriptor) if descriptor >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use nix::sys::socket::{setsockopt, sockopt::RcvBuf};

    use super::*;

    #[test]
    fn a_receive_buffer_that_was_set_is_told_from_one_that_was_not() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let fixed = || {
            let descriptor = u32::try_from(socket.as_raw_fd()).unwrap();
            receive_buffer_is_fixed(&descriptor_of(std::process::id(), descriptor)?)
        };
        assert!(!fixed().unwrap());
        setsockopt(&socket, RcvBuf, &4096).unwrap();
        assert!(fixed().unwrap());
    }
}
