//! Socket options that nix does not have.

use std::{
    io,
    os::fd::{AsFd, AsRawFd as _},
};

/// `struct sock_fprog` with one instruction, `ret #0`: no packet passes.
#[repr(C)]
struct Filter {
    length: u16,
    instructions: *const u64,
}

const RETURN_NOTHING: [u64; 1] = [0x06];

/// Packets that arrive with fewer hops left are refused.
///
/// # Errors
/// The errno of setsockopt(2).
pub(crate) fn refuse_hops_below(socket: impl AsFd, hops: i32) -> io::Result<()> {
    set(socket, libc::IPPROTO_IP, libc::IP_MINTTL, &hops)
}

/// All packets are refused by a filter.
///
/// # Errors
/// The errno of setsockopt(2).
pub(crate) fn refuse_all(socket: impl AsFd) -> io::Result<()> {
    let filter = Filter {
        length: 1,
        instructions: RETURN_NOTHING.as_ptr(),
    };
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &filter)
}

fn set<T>(socket: impl AsFd, level: i32, name: i32, value: &T) -> io::Result<()> {
    let size = u32::try_from(size_of::<T>()).map_err(io::Error::other)?;
    let value: *const T = value;
    // SAFETY: the value is alive and of the given size; what it points to is a
    // static.
    let result =
        unsafe { libc::setsockopt(socket.as_fd().as_raw_fd(), level, name, value.cast(), size) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
