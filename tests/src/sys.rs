//! The raw system calls of the lab, and all of its `unsafe`.

use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

mod bpf;
mod option;
mod packet;
mod pty;
mod tun;

pub(crate) use self::{
    bpf::{Accept, Calls, Object, Program, Redirect, Refusal, Refuse, Stats, bpf_ids},
    option::{refuse_all, refuse_hops_below},
    packet::FrameSocket,
    pty::{hang_up, on_terminal, resize},
    tun::Tun,
};

fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: the descriptor was just made by the kernel and has no other owner.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
