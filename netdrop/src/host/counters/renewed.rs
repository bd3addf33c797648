//! Devices and queueing disciplines that were made anew between two readings.
//!
//! One that is removed and made again under its name counts from the start, and may
//! have counted more by then than its predecessor: its numbers alone do not tell.
//! The kernel does, in messages that hold what the old one had counted at its end
//! and the new one at its beginning (`rtmsg_ifinfo` of `net/core/rtnetlink.c` and
//! `qdisc_notify` of `net/sched/sch_api.c`, 5.10 to 7.x).
//!
//! What they told goes out as numbers beside the counters, so that a recording has
//! it, too: a device's `link.index`; `link.made` and `qdisc.made`, which change when
//! it was made anew, with `ended.NAME` and `began.NAME` for each of its counters;
//! `link.gone` and `qdisc.gone`, which change when it was removed, with `ended.NAME`;
//! `link.unknown` and `qdisc.unknown`, which change when what happened is not known.

mod episodes;
mod life;

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
};

use self::{
    episodes::{Episodes, Place},
    life::Life,
};
use super::{
    Scope, flat,
    flat::{Counter, Kind},
    links::{self, Link},
    qdiscs::{self, Qdisc},
};
use crate::host::netlink::Subscription;

const RTMGRP_LINK: u32 = 0x1;
const RTMGRP_TC: u32 = 0x8;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWQDISC: u16 = 36;
const RTM_DELQDISC: u16 = 37;

/// A device's index.
pub const INDEX: &str = "link.index";
/// What these numbers are called changes when something was made anew.
pub const MADE: [&str; 2] = ["link.made", "qdisc.made"];
/// They change when it was removed, and is not there now.
pub const GONE: [&str; 2] = ["link.gone", "qdisc.gone"];
/// They change when it is not known what happened to a device.
pub const UNKNOWN: [&str; 2] = ["link.unknown", "qdisc.unknown"];
/// What a counter was called whose owner ended.
pub const ENDED: &str = "ended.";
/// The same of one that began.
pub const BEGAN: &str = "began.";

/// Does a number stand beside the counters only to tell what became of them?
#[must_use]
pub fn is_mark(name: &str) -> bool {
    name == INDEX
        || MADE.contains(&name)
        || GONE.contains(&name)
        || UNKNOWN.contains(&name)
        || name.starts_with(ENDED)
        || name.starts_with(BEGAN)
}

/// Counters by name.
type Numbers = Vec<(String, u64)>;

/// Of so many that are not there any more it is known how they ended.
const REMEMBERED: usize = 512;

#[derive(Debug)]
enum Event {
    Link { made: bool, link: Link },
    Qdisc { made: bool, qdisc: Qdisc },
}

/// Listens to what happens to the devices and queueing disciplines of a namespace.
#[derive(Debug)]
pub struct Listener {
    told: Subscription,
    pending: Vec<Event>,
    /// Of what has happened since so many, it is not known whether it was before or
    /// after the reading.
    doubtful: Option<usize>,
    lost: bool,
    readings: u64,
    /// As of the last reading.
    names: HashMap<u32, Arc<str>>,
    present: HashMap<Scope, Place>,
    /// Queueing disciplines that tell the sum of those below them.
    sums: HashMap<(u32, u32), Scope>,
    /// What was doubtful at the last reading.
    doubted: HashSet<Scope>,
    lives: HashMap<Scope, Life>,
}

impl Listener {
    /// Listens in the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// When the kernel gives no socket.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            told: Subscription::open(RTMGRP_LINK | RTMGRP_TC)?,
            pending: Vec::new(),
            doubtful: None,
            lost: false,
            readings: 0,
            names: HashMap::new(),
            present: HashMap::new(),
            sums: HashMap::new(),
            doubted: HashSet::new(),
            lives: HashMap::new(),
        })
    }

    /// Takes what has happened so far; is there anything new?
    pub(super) fn listen(&mut self) -> bool {
        let Self {
            told,
            pending,
            lost,
            names,
            ..
        } = self;
        let before = pending.len();
        let whole = told.told(|kind, payload| {
            if let Some(event) = Event::of(kind, payload)
                && !event.is_a_change(names, pending)
            {
                pending.push(event);
            }
        });
        *lost |= !whole;
        !whole || pending.len() > before
    }

    /// How much has happened so far.
    pub(super) fn heard(&self) -> usize {
        self.pending.len()
    }

    /// What happened since so much may be in the reading or not.
    pub(super) fn doubt(&mut self, heard: usize) {
        self.doubtful = Some(heard);
    }

    /// What happened until this reading, as numbers beside its counters.
    pub(super) fn settle(&mut self, links: &[Link], qdiscs: &[Qdisc]) -> Vec<Counter> {
        self.readings += 1;
        let now = self.readings;
        let mut episodes = Episodes::since(
            std::mem::take(&mut self.names),
            std::mem::take(&mut self.present),
            std::mem::take(&mut self.sums),
        );
        for (scope, life) in &self.lives {
            episodes.remember(scope, life);
        }
        let doubtful = self.doubtful.take().unwrap_or(self.pending.len());
        let mut doubted = HashSet::new();
        for (count, event) in self.pending.drain(..).enumerate() {
            let touched = episodes.add(event);
            if count >= doubtful {
                doubted.extend(touched);
            }
        }
        self.names = links
            .iter()
            .map(|link| (link.index, Arc::clone(&link.name)))
            .collect();
        let devices = links
            .iter()
            .map(|link| (flat::device(&link.name), Place::default()));
        self.present = devices.collect();
        let mut values = HashMap::new();
        for qdisc in qdiscs {
            let Some(name) = self.names.get(&qdisc.ifindex) else {
                continue;
            };
            let scope = flat::scope(qdisc, name);
            if let Some(key) = episodes::sum(qdisc) {
                self.sums.insert(key, scope.clone());
                values.insert(scope.clone(), episodes::counted(qdisc));
            }
            self.present.insert(scope, Place::of(qdisc));
        }
        episodes.settle_sums(&values);
        // It may have been in that reading, or not.
        for scope in doubted.iter().chain(&self.doubted) {
            episodes.unknown(scope.clone());
        }
        self.doubted = doubted;
        let Self { lives, present, .. } = self;
        for (scope, episode) in episodes.into_found() {
            let is_here = present.contains_key(&scope);
            // Nobody has seen one that came and went.
            if is_here || episode.was_there || lives.contains_key(&scope) {
                lives.entry(scope).or_default().take(episode, now, is_here);
            }
        }
        let lost = std::mem::take(&mut self.lost);
        // Before the first reading there is nothing to be wrong about.
        if lost && now > 1 {
            for scope in present.keys() {
                lives.entry(scope.clone()).or_default().unknown = now;
            }
        }
        life::forget(lives, present, REMEMBERED);
        let mut marks: Vec<Counter> = links.iter().map(index).collect();
        for (scope, life) in lives {
            marks.extend(life.marks(scope));
        }
        marks
    }
}

fn index(link: &Link) -> Counter {
    Counter {
        scope: Scope::Device(Arc::clone(&link.name)),
        name: INDEX.into(),
        kind: Kind::Gauge,
        value: link.index.into(),
    }
}

impl Event {
    /// Does it tell only that something about a device has changed?
    fn is_a_change(&self, names: &HashMap<u32, Arc<str>>, pending: &[Self]) -> bool {
        let Self::Link { made: true, link } = self else {
            return false;
        };
        let is_of_it = |event: &Self| matches!(event, Self::Link { link: other, .. } if other.index == link.index);
        names.get(&link.index) == Some(&link.name) && !pending.iter().any(is_of_it)
    }

    fn of(kind: u16, payload: &[u8]) -> Option<Self> {
        let made = matches!(kind, RTM_NEWLINK | RTM_NEWQDISC);
        match kind {
            // Bridges tell of their ports under their own family.
            RTM_NEWLINK | RTM_DELLINK if payload.first() == Some(&0) => {
                let link = links::parse(payload)?;
                Some(Self::Link { made, link })
            }
            RTM_NEWQDISC | RTM_DELQDISC => {
                let qdisc = qdiscs::parse(payload)?;
                Some(Self::Qdisc { made, qdisc })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
