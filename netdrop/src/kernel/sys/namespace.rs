//! What kind of namespace a file stands for.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd},
};

/// Does the file stand for a network namespace? (`NS_GET_NSTYPE`, from 4.11)
///
/// # Errors
///
/// When it stands for no namespace at all.
pub(crate) fn is_net(file: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: the call takes no argument and writes nothing.
    let kind = unsafe { libc::ioctl(file.as_raw_fd(), libc::NS_GET_NSTYPE) };
    if kind < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(kind == libc::CLONE_NEWNET)
}
