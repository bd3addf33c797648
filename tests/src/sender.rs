//! What puts packets on the wire: frames byte by byte, and ordinary sockets.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use anyhow::{Context as _, Result};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};

use crate::{frame::Frame, lab::Namespace, sys::FrameSocket};

/// Sends a frame several times from a device.
pub(crate) fn frames(from: &Namespace, device: &str, frame: &Frame, times: u64) -> Result<()> {
    raw_frames(from, device, &frame.bytes(), times)
}

/// Sends bytes several times from a device.
pub(crate) fn raw_frames(from: &Namespace, device: &str, frame: &[u8], times: u64) -> Result<()> {
    let ifindex = from.ifindex(device)?;
    from.inside(|| {
        let socket = FrameSocket::open(ifindex).context("packet socket")?;
        for _ in 0..times {
            socket
                .send(frame)
                .with_context(|| format!("cannot send a frame on {device}"))?;
        }
        Ok(())
    })
}

/// Datagrams of an ordinary socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagrams {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) payload: usize,
    pub(crate) times: u64,
}

impl Datagrams {
    pub(crate) fn new(from: (IpAddr, u16), to: (IpAddr, u16), payload: usize, times: u64) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            payload,
            times,
        }
    }

    /// Sends them all and says how many the kernel took; what the kernel
    /// refuses (a firewall, a full queue) is a scenario's business, not an error.
    pub(crate) fn send(self, namespace: &Namespace) -> Result<u64> {
        namespace.inside(|| self.send_here())
    }

    /// The same on the calling thread, in its namespace.
    pub(crate) fn send_here(self) -> Result<u64> {
        let Self {
            from,
            to,
            payload,
            times,
        } = self;
        let socket = UdpSocket::bind(from).with_context(|| format!("cannot bind to {from}"))?;
        let payload = vec![0; payload];
        Ok((0..times)
            .filter(|_| socket.send_to(&payload, to).is_ok())
            .count() as u64)
    }
}

/// Keeps the calling thread on one CPU.
pub(crate) fn pin_to(cpu: usize) -> Result<()> {
    pin(Pid::from_raw(0), cpu)
}

/// Keeps a process of one thread on one CPU.
pub(crate) fn pin(pid: Pid, cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(pid, &set).with_context(|| format!("cannot run on CPU {cpu}"))
}
