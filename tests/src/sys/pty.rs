//! Pseudo terminals: a child's own, and their size.

use std::{
    io,
    os::{
        fd::{AsRawFd as _, BorrowedFd},
        unix::process::CommandExt as _,
    },
    process::Command,
};

use nix::pty::Winsize;

/// Lets the child have its standard input as its controlling terminal, as a
/// login shell has.
pub(crate) fn on_terminal(command: &mut Command) -> &mut Command {
    let own = || {
        nix::unistd::setsid()?;
        // SAFETY: the call takes no memory; descriptor 0 is the terminal.
        let result = unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    // SAFETY: between fork and exec, only system calls are made.
    unsafe { command.pre_exec(own) }
}

/// Hangs up a terminal: its processes get a signal, and then errors.
pub(crate) fn hang_up(terminal: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the call takes no memory.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), TIOCVHANGUP) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// From Linux' `asm-generic/ioctls.h`.
const TIOCVHANGUP: libc::Ioctl = 0x5437;

/// Sets a terminal's size; who runs on it gets a signal.
pub(crate) fn resize(terminal: BorrowedFd<'_>, size: &Winsize) -> io::Result<()> {
    // SAFETY: the kernel reads one `winsize` from a reference to one.
    let result = unsafe {
        libc::ioctl(
            terminal.as_raw_fd(),
            libc::TIOCSWINSZ,
            std::ptr::from_ref(size),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
