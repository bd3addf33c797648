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
//! `link.unknown` and `qdisc.unknown`, which change when what happened is not known.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
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
        || UNKNOWN.contains(&name)
        || name.starts_with(ENDED)
        || name.starts_with(BEGAN)
}

/// Counters by name.
type Numbers = Vec<(String, u64)>;

#[derive(Debug)]
enum Event {
    Link { made: bool, link: Link },
    Qdisc { made: bool, qdisc: Qdisc },
}

/// What happened to a device or queueing discipline since the last reading.
#[derive(Debug)]
struct Episode {
    /// The device's index.
    index: u32,
    /// Is it there now?
    alive: bool,
    /// What was counted until the end of all that have ended.
    ended: Numbers,
    /// What the one that is there now began with.
    began: Option<Numbers>,
    is_unknown: bool,
}

/// When something was made anew, by the number of the reading.
#[derive(Debug, Default)]
struct Life {
    made: u64,
    unknown: u64,
    ended: Numbers,
    began: Numbers,
}

/// Listens to what happens to the devices and queueing disciplines of a namespace.
#[derive(Debug)]
pub struct Listener {
    told: Subscription,
    pending: Vec<Event>,
    lost: bool,
    readings: u64,
    /// As of the last reading.
    names: HashMap<u32, Arc<str>>,
    present: HashSet<Scope>,
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
            lost: false,
            readings: 0,
            names: HashMap::new(),
            present: HashSet::new(),
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

    /// Whatever has happened: it is not known.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// What happened until this reading, as numbers beside its counters.
    pub(super) fn settle(&mut self, links: &[Link], qdiscs: &[Qdisc]) -> Vec<Counter> {
        self.readings += 1;
        let now = self.readings;
        let mut episodes = Episodes {
            names: std::mem::take(&mut self.names),
            present: std::mem::take(&mut self.present),
            found: HashMap::new(),
        };
        for event in self.pending.drain(..) {
            episodes.add(event);
        }
        self.names = links
            .iter()
            .map(|link| (link.index, Arc::clone(&link.name)))
            .collect();
        let devices = links
            .iter()
            .map(|link| Scope::Device(Arc::clone(&link.name)));
        let names = &self.names;
        let qdiscs = qdiscs
            .iter()
            .filter_map(|qdisc| Some(flat::scope(qdisc, names.get(&qdisc.ifindex)?)));
        self.present = devices.chain(qdiscs).collect();
        for (scope, episode) in episodes.found {
            let life = self.lives.entry(scope).or_default();
            match episode.began {
                Some(began) if episode.alive && !episode.is_unknown => {
                    life.made = now;
                    (life.ended, life.began) = (episode.ended, began);
                }
                _ => life.unknown = now,
            }
        }
        let lost = std::mem::take(&mut self.lost);
        // Before the first reading there is nothing to be wrong about.
        if lost && now > 1 {
            for scope in &self.present {
                self.lives.entry(scope.clone()).or_default().unknown = now;
            }
        }
        let Self { lives, present, .. } = self;
        lives.retain(|scope, _| present.contains(scope));
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

/// What happened, in its order.
struct Episodes {
    names: HashMap<u32, Arc<str>>,
    present: HashSet<Scope>,
    found: HashMap<Scope, Episode>,
}

impl Episodes {
    fn add(&mut self, event: Event) {
        match event {
            Event::Link { made: true, link } => {
                let old = self.names.insert(link.index, Arc::clone(&link.name));
                match old {
                    // Something else about it has changed.
                    Some(old) if old == link.name => {}
                    Some(old) => {
                        for name in [&old, &link.name] {
                            self.device_is_unknown(name);
                        }
                    }
                    None => self.made(flat::device(&link.name), link.index, numbers(&link)),
                }
            }
            Event::Link { made: false, link } => {
                self.names.remove(&link.index);
                // Its queueing disciplines go without a word.
                for scope in self.of_device(&link.name) {
                    self.unknown(scope);
                }
                self.ended(flat::device(&link.name), link.index, numbers(&link));
            }
            Event::Qdisc { made, qdisc } => {
                let Some(name) = self.names.get(&qdisc.ifindex) else {
                    return;
                };
                let scope = flat::scope(&qdisc, name);
                let numbers = flat::of_qdisc(&qdisc)
                    .map(|(name, _, value)| (name.to_owned(), value))
                    .to_vec();
                if !made {
                    self.ended(scope, qdisc.ifindex, numbers);
                } else if !self.is_alive(&scope) {
                    self.made(scope, qdisc.ifindex, numbers);
                }
            }
        }
    }

    fn is_alive(&self, scope: &Scope) -> bool {
        let episode = self.found.get(scope);
        episode.map_or_else(|| self.present.contains(scope), |episode| episode.alive)
    }

    fn ended(&mut self, scope: Scope, index: u32, numbers: Numbers) {
        let was_there = self.present.contains(&scope);
        if let Some(episode) = self.found.get_mut(&scope) {
            episode.end(&numbers);
            return;
        }
        let episode = Episode {
            index,
            alive: false,
            ended: numbers,
            began: None,
            is_unknown: !was_there,
        };
        self.found.insert(scope, episode);
    }

    fn made(&mut self, scope: Scope, index: u32, numbers: Numbers) {
        let episode = self
            .found
            .entry(scope)
            .or_insert_with(|| Episode::gap(index));
        episode.is_unknown |= episode.alive || episode.index != index;
        episode.alive = true;
        episode.began = Some(numbers);
    }

    fn unknown(&mut self, scope: Scope) {
        let episode = self.found.entry(scope).or_insert_with(|| Episode::gap(0));
        episode.is_unknown = true;
    }

    fn device_is_unknown(&mut self, name: &Arc<str>) {
        for scope in self.of_device(name) {
            self.unknown(scope);
        }
        self.unknown(flat::device(name));
    }

    /// The queueing disciplines of a device.
    fn of_device(&self, name: &Arc<str>) -> Vec<Scope> {
        let known = self.present.iter().chain(self.found.keys());
        known
            .filter(|scope| matches!(scope, Scope::Qdisc { device, .. } if device == name))
            .cloned()
            .collect()
    }
}

impl Episode {
    /// Nothing is known of what was before.
    fn gap(index: u32) -> Self {
        Self {
            index,
            alive: false,
            ended: Numbers::new(),
            began: None,
            is_unknown: true,
        }
    }

    fn end(&mut self, numbers: &Numbers) {
        self.is_unknown |= !self.alive;
        self.alive = false;
        let began = self.began.take().unwrap_or_default();
        for (name, value) in numbers {
            let find = |(other, _): &&(String, u64)| other == name;
            let first = began.iter().find(find).map_or(0, |(_, first)| *first);
            if let Some((_, ended)) = self.ended.iter_mut().find(|(other, _)| other == name) {
                *ended = ended.wrapping_add(value.wrapping_sub(first));
            }
        }
    }
}

impl Life {
    fn marks(&self, scope: &Scope) -> Vec<Counter> {
        let kind = usize::from(matches!(scope, Scope::Qdisc { .. }));
        let mut marks = Vec::new();
        let mut add = |name: Arc<str>, value| {
            marks.push(Counter {
                scope: scope.clone(),
                name,
                kind: Kind::Gauge,
                value,
            });
        };
        if self.unknown > 0 {
            add(UNKNOWN[kind].into(), self.unknown);
        }
        if self.made > 0 {
            add(MADE[kind].into(), self.made);
            for (start, numbers) in [(ENDED, &self.ended), (BEGAN, &self.began)] {
                for (name, value) in numbers {
                    add(format!("{start}{name}").into(), *value);
                }
            }
        }
        marks
    }
}

fn numbers(link: &Link) -> Numbers {
    let statistics = link.statistics.iter();
    statistics
        .map(|(name, value)| (format!("link.{name}"), *value))
        .collect()
}

#[cfg(test)]
mod tests;
