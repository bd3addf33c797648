//! What happened to devices and queueing disciplines between two readings.

use std::{collections::HashMap, sync::Arc};

use super::{
    super::{
        Scope, flat,
        links::Link,
        qdiscs::{Handle, Qdisc},
    },
    Event, Numbers,
    life::Life,
};

/// Where a queueing discipline is: at the root, at the ingress, or below another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    root: bool,
    ingress: bool,
}

impl Place {
    pub(super) fn of(qdisc: &Qdisc) -> Self {
        Self {
            root: qdisc.parent.is_root(),
            ingress: qdisc.parent.is_ingress(),
        }
    }
}

/// What happened to a device or queueing discipline since the last reading.
#[derive(Debug)]
pub(super) struct Episode {
    /// Was it there at the last reading?
    pub(super) was_there: bool,
    /// Is it there now?
    pub(super) alive: bool,
    /// What was counted until the end of all that have ended.
    pub(super) ended: Numbers,
    /// What the one that is there now began with.
    pub(super) began: Option<Numbers>,
    pub(super) is_unknown: bool,
    pub(super) place: Place,
}

/// How the sum of those below changed because some of them went or came.
#[derive(Debug, Default)]
struct Shift {
    gone: HashMap<String, u64>,
    came: HashMap<String, u64>,
    is_unknown: bool,
}

/// What happened, in its order.
pub(super) struct Episodes {
    names: HashMap<u32, Arc<str>>,
    present: HashMap<Scope, Place>,
    /// By index of the device and upper half of the handle.
    sums: HashMap<(u32, u32), Scope>,
    shifts: HashMap<Scope, Shift>,
    /// How those ended that were not there at the last reading.
    ends: HashMap<Scope, (Numbers, Place)>,
    found: HashMap<Scope, Episode>,
}

/// Those that count nothing themselves, but tell the sum of the ones that hang below
/// them now (`mq_dump` and `mqprio_dump`, 5.10 to 7.x): what to know them by.
pub(super) fn sum(qdisc: &Qdisc) -> Option<(u32, u32)> {
    const SUMS: [&str; 3] = ["mq", "mqprio", "cake_mq"];
    let is_sum = qdisc.parent.is_root() && SUMS.contains(&&*qdisc.kind);
    is_sum.then_some((qdisc.ifindex, major(qdisc.handle)))
}

fn major(Handle(handle): Handle) -> u32 {
    handle >> 16
}

/// What it has counted.
pub(super) fn counted(qdisc: &Qdisc) -> Numbers {
    flat::of_qdisc(qdisc)
        .map(|(name, _, value)| (name.to_owned(), value))
        .to_vec()
}

impl Episodes {
    pub(super) fn since(
        names: HashMap<u32, Arc<str>>,
        present: HashMap<Scope, Place>,
        sums: HashMap<(u32, u32), Scope>,
    ) -> Self {
        Self {
            names,
            present,
            sums,
            shifts: HashMap::new(),
            ends: HashMap::new(),
            found: HashMap::new(),
        }
    }

    /// Knows how something ended before the last reading.
    pub(super) fn remember(&mut self, scope: &Scope, life: &Life) {
        if let Some((ended, place)) = life.end() {
            self.ends.insert(scope.clone(), (ended.clone(), place));
        }
    }

    pub(super) fn into_found(self) -> HashMap<Scope, Episode> {
        self.found
    }

    /// The next that happened; tells what it may have changed.
    pub(super) fn add(&mut self, event: Event) -> Vec<Scope> {
        match event {
            Event::Link { made, link } => self.link(made, &link),
            Event::Qdisc { made, qdisc } => self.qdisc(made, &qdisc),
        }
    }

    fn link(&mut self, made: bool, link: &Link) -> Vec<Scope> {
        let name = &link.name;
        let mut touched = self.of_device(name);
        touched.push(flat::device(name));
        if !made {
            self.names.remove(&link.index);
            // Its queueing disciplines go without a word.
            for scope in self.of_device(name) {
                self.lost(&scope);
            }
            let device = flat::device(name);
            // Drops of one that came and went since the last reading have no name.
            let is_strange = self.found.contains_key(&device);
            self.ended(device.clone(), Place::default(), numbers(link));
            if is_strange {
                self.unknown(device);
            }
            return touched;
        }
        let old = self.names.insert(link.index, Arc::clone(name));
        match old {
            // Something else about it has changed.
            Some(old) if old == *name => {}
            Some(old) => {
                touched.extend(self.of_device(&old));
                touched.push(flat::device(&old));
                for name in [&old, name] {
                    self.device_is_unknown(name);
                }
            }
            None => self.made(flat::device(name), Place::default(), numbers(link)),
        }
        touched
    }

    fn qdisc(&mut self, made: bool, qdisc: &Qdisc) -> Vec<Scope> {
        let Some(name) = self.names.get(&qdisc.ifindex) else {
            return Vec::new();
        };
        let scope = flat::scope(qdisc, name);
        let was_alive = self.is_alive(&scope);
        // Something else about it has changed.
        if made && was_alive {
            return vec![scope];
        }
        let (place, numbers) = (Place::of(qdisc), counted(qdisc));
        let mut touched = vec![scope.clone()];
        if let Some(key) = sum(qdisc) {
            // When it is told, what hangs below it may be that of another already.
            self.unknown(scope.clone());
            if made {
                self.sums.insert(key, scope);
            }
            return touched;
        }
        if place == Place::default() {
            let root = self.sums.get(&(qdisc.ifindex, major(qdisc.parent)));
            if let Some(root) = root.cloned() {
                self.shift(root.clone(), made, was_alive, &numbers);
                touched.push(root);
            }
        }
        if made {
            self.made(scope, place, numbers);
        } else {
            self.ended(scope, place, numbers);
        }
        touched
    }

    /// One of those went or came whose sum this is.
    fn shift(&mut self, root: Scope, made: bool, was_alive: bool, numbers: &Numbers) {
        let shift = self.shifts.entry(root).or_default();
        shift.is_unknown |= !made && !was_alive;
        let sums = if made {
            &mut shift.came
        } else {
            &mut shift.gone
        };
        for (name, value) in numbers {
            let sum = sums.entry(name.clone()).or_default();
            *sum = sum.wrapping_add(*value);
        }
    }

    /// Those that are sums: what they would have come to if all of which they were
    /// the sum had stayed, as if they had ended with that and gone on from their
    /// values.
    pub(super) fn settle_sums(&mut self, values: &HashMap<Scope, Numbers>) {
        for (scope, shift) in std::mem::take(&mut self.shifts) {
            let values = values.get(&scope);
            let Some(values) = values.filter(|_| !shift.is_unknown) else {
                self.unknown(scope);
                continue;
            };
            // It was made anew itself.
            if self.found.contains_key(&scope) {
                self.unknown(scope);
                continue;
            }
            let of = |sums: &HashMap<String, u64>, name| sums.get(name).copied().unwrap_or(0);
            let ended = values.iter().map(|(name, value)| {
                let (gone, came) = (of(&shift.gone, name), of(&shift.came, name));
                (name.clone(), value.wrapping_add(gone).wrapping_sub(came))
            });
            let mut episode = Episode::after(ended.collect(), Place::default());
            episode.was_there = true;
            episode.alive = true;
            episode.began = Some(values.clone());
            self.found.insert(scope, episode);
        }
    }

    fn is_alive(&self, scope: &Scope) -> bool {
        let episode = self.found.get(scope);
        episode.map_or_else(|| self.present.contains_key(scope), |episode| episode.alive)
    }

    fn ended(&mut self, scope: Scope, place: Place, numbers: Numbers) {
        let was = self.present.get(&scope);
        if let Some(episode) = self.found.get_mut(&scope) {
            episode.end(&numbers);
            return;
        }
        let mut episode = Episode::after(numbers, place);
        episode.was_there = was.is_some();
        episode.is_unknown = was != Some(&place);
        self.found.insert(scope, episode);
    }

    fn made(&mut self, scope: Scope, place: Place, numbers: Numbers) {
        let Self { found, ends, .. } = self;
        let episode = found
            .entry(scope)
            .or_insert_with_key(|scope| match ends.remove(scope) {
                Some((ended, place)) => Episode::after(ended, place),
                None => Episode::gap(place),
            });
        // What was a root and what is below one are not one thing.
        episode.is_unknown |= episode.alive || episode.place != place;
        episode.place = place;
        episode.alive = true;
        episode.began = Some(numbers);
    }

    /// It is not known what happened to it.
    pub(super) fn unknown(&mut self, scope: Scope) {
        let was_there = self.present.contains_key(&scope);
        let episode = self
            .found
            .entry(scope)
            .or_insert_with(|| Episode::gap(Place::default()));
        episode.was_there = was_there;
        episode.is_unknown = true;
    }

    /// It went, and nothing tells with what.
    fn lost(&mut self, scope: &Scope) {
        self.unknown(scope.clone());
        if let Some(episode) = self.found.get_mut(scope) {
            episode.alive = false;
            episode.began = None;
        }
    }

    fn device_is_unknown(&mut self, name: &Arc<str>) {
        for scope in self.of_device(name) {
            self.unknown(scope);
        }
        self.unknown(flat::device(name));
    }

    /// The queueing disciplines of a device.
    fn of_device(&self, name: &Arc<str>) -> Vec<Scope> {
        let known = self.present.keys().chain(self.found.keys());
        known
            .filter(|scope| matches!(scope, Scope::Qdisc { device, .. } if device == name))
            .cloned()
            .collect()
    }
}

impl Episode {
    /// One ended with these numbers, and nothing came since.
    fn after(ended: Numbers, place: Place) -> Self {
        Self {
            was_there: false,
            alive: false,
            ended,
            began: None,
            is_unknown: false,
            place,
        }
    }

    /// Nothing is known of what was before.
    fn gap(place: Place) -> Self {
        Self {
            is_unknown: true,
            ..Self::after(Numbers::new(), place)
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

fn numbers(link: &Link) -> Numbers {
    let statistics = link.statistics.iter();
    statistics
        .map(|(name, value)| (format!("link.{name}"), *value))
        .collect()
}
