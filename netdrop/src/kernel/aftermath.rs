//! The table of what followed drops: read each interval, and rid of connections
//! that were left alone for a while.

use std::{io, os::fd::BorrowedFd, time::Duration};

use netdrop_ebpf::hurt::{Connection, Hurt, WINDOW};
use nix::time::{ClockId, clock_gettime};

use super::{
    load::Loaded,
    snapshot::{Aftermath, Followed},
    sys,
};

/// A connection without a drop for so many nanoseconds leaves the table. Well
/// beyond the window, so that hardly ever one is removed that a program has just
/// looked up.
const IDLE: u64 = 2 * WINDOW;

/// The table `HURT`, seen from here.
#[derive(Debug)]
pub(super) struct Hurts {
    /// Were connections in the table after the last look?
    occupied: bool,
    all_retransmits: bool,
    all_resets: bool,
}

impl Hurts {
    pub(super) fn new(loaded: &Loaded) -> Self {
        let watched = |name: &str| {
            let mut hooks = loaded.hooks.iter();
            hooks.any(|hook| hook.name == name && hook.why.is_none())
        };
        Self {
            occupied: true,
            all_retransmits: watched("tcp:tcp_retransmit_skb")
                && watched("tcp:tcp_retransmit_synack"),
            all_resets: watched("tcp:tcp_receive_reset")
                && watched("tcp:tcp_send_reset")
                && loaded.all_resets,
        }
    }

    /// Reads the table, which is empty if it was so before and nothing was
    /// `dropped` since.
    pub(super) fn read(&mut self, map: BorrowedFd<'_>, dropped: bool) -> io::Result<Aftermath> {
        let mut aftermath = Aftermath {
            connections: Vec::new(),
            all_retransmits: self.all_retransmits,
            all_resets: self.all_resets,
        };
        if !dropped && !self.occupied {
            return Ok(aftermath);
        }
        let now = nanoseconds(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into());
        let mut idle = Vec::new();
        sys::read(map, |connection: &Connection, hurt: &Hurt| {
            let last = hurt.last[0].max(hurt.last[1]);
            let removed = last.saturating_add(IDLE) < now;
            if removed {
                idle.push(*connection);
            }
            aftermath.connections.push(Followed {
                connection: *connection,
                counts: hurt.followed,
                removed,
            });
        })?;
        sys::remove(map, &idle)?;
        self.occupied = aftermath.connections.len() > idle.len();
        Ok(aftermath)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
