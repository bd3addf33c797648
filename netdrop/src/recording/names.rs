//! The names in a recording, as the tally asks for them.
//!
//! A recording holds names, and no numbers of a kernel that nobody can look up
//! any more. So every combination of names gets a number of its own here, and
//! the sites that are read back are made of those numbers.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
};

use netdrop_ebpf::site::{NO_REASON, SiteKey};

use super::columns::Line;
use crate::{
    drops::{direction::Direction, hook::Hook, next, stage::Stage},
    filter::plan::recorded_marks,
    tally::names::{Attribution, Evidence, Names, NetnsName, Place, ReasonLabel, Severity},
};

/// Different places kept at most.
const MOST_PLACES: usize = 1 << 16;
/// Bytes of different names kept at most.
const MOST_TEXT: usize = 16 << 20;
/// Devices, namespaces and addresses kept at most.
const MOST_NAMED: usize = 1 << 16;

/// A recording has more names than any host: it was not made by netdrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it holds too many different names")]
pub(super) struct TooMany;

/// Everything that tells places apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Known {
    stage: &'static str,
    hook: Option<&'static str>,
    engine: Option<&'static str>,
    qdisc: Option<Arc<str>>,
    by: Evidence,
    reason: Option<Arc<str>>,
    function: Option<Arc<str>>,
    offset: u64,
    address: u64,
    direction: Option<&'static str>,
    severity: Severity,
}

/// What the kernel told places apart by; everything else was found out about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Spot {
    reason: Option<Arc<str>>,
    function: Option<Arc<str>>,
    offset: u64,
    address: u64,
}

/// The names read so far.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    texts: HashSet<Arc<str>>,
    text_bytes: usize,
    places: Vec<Known>,
    numbers: HashMap<Known, u32>,
    /// Of each place, what the kernel told it apart by.
    spots: Vec<u16>,
    spot_numbers: HashMap<Spot, u16>,
    devices: HashMap<(u32, u32), Arc<str>>,
    namespaces: HashMap<u32, NetnsName>,
    here: HashMap<(u32, IpAddr), bool>,
}

/// Where the addresses of places begin that have a function: below those of any
/// kernel, so that no recorded address is mistaken for one.
const FIRST: u64 = 1 << 32;

impl Recorded {
    /// Has no place been read so far?
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The site of a row.
    pub(super) fn site(&mut self, line: &Line<'_>) -> Result<SiteKey, TooMany> {
        let known = Known {
            stage: line
                .stage
                .and_then(Stage::find)
                .unwrap_or(Stage::unknown())
                .id(),
            hook: line.hook.and_then(hook),
            engine: line.engine.and_then(|engine| word(engine, &ENGINES)),
            qdisc: self.text(line.qdisc)?,
            by: line.stage_by.map_or(Evidence::Nothing, evidence),
            reason: self.text(line.reason)?,
            function: self.text(line.function)?,
            offset: line.offset.unwrap_or_default(),
            address: line.address.map(address).unwrap_or_default(),
            direction: line.direction.and_then(direction),
            severity: line
                .severity
                .and_then(|word| word.parse().ok())
                .unwrap_or(Severity::Suspicious),
        };
        let has_reason = known.reason.is_some();
        let unnamed = known.function.is_none().then_some(known.address);
        let number = self.number(known)?;
        let (netns, ifindex) = (
            line.netns.unwrap_or_default(),
            line.ifindex.unwrap_or_default(),
        );
        self.learn_device(netns, ifindex, line.device)?;
        self.learn_netns(line)?;
        let mut site = SiteKey {
            location: unnamed.unwrap_or(FIRST + u64::from(number)),
            reason: if has_reason { number } else { NO_REASON },
            netns,
            ifindex,
            cpu: line
                .cpu
                .and_then(|cpu| u16::try_from(cpu).ok())
                .unwrap_or(u16::MAX),
            // Tells apart what has neither a reason nor a function, too.
            stack: u16::try_from(number).unwrap_or_default(),
            ethertype: line.ethertype.unwrap_or_default(),
            state: line.state.unwrap_or_default(),
            facts: line.facts.unwrap_or_default(),
            protocol: line
                .ip_protocol
                .and_then(|protocol| u8::try_from(protocol).ok())
                .unwrap_or_default(),
            filter: 0,
        };
        site.filter = recorded_marks(&site);
        Ok(site)
    }

    /// What the kernel told a site apart by: the same for all sites that differ only
    /// in what was found out about them.
    pub(super) fn place(&self, site: &SiteKey) -> SiteKey {
        let place = usize::from(site.stack);
        SiteKey {
            location: 0,
            reason: 0,
            stack: self.spots.get(place).copied().unwrap_or(u16::MAX),
            ..*site
        }
    }

    /// The number of a function that polls; 0 without one.
    pub(super) fn poll(&mut self, function: Option<&str>) -> Result<u64, TooMany> {
        let Some(function) = self.text(function)? else {
            return Ok(0);
        };
        let number = self.number(Known {
            stage: Stage::unknown().id(),
            hook: None,
            engine: None,
            qdisc: None,
            by: Evidence::Nothing,
            reason: None,
            function: Some(function),
            offset: 0,
            address: 0,
            direction: None,
            severity: Severity::Suspicious,
        })?;
        Ok(FIRST + u64::from(number))
    }

    /// Learns a device's present name.
    pub(super) fn learn_device(
        &mut self,
        netns: u32,
        ifindex: u32,
        name: Option<&str>,
    ) -> Result<(), TooMany> {
        let device = (netns, ifindex);
        if ifindex == 0 || self.devices.get(&device).map(|name| &**name) == name {
            return Ok(());
        }
        let Some(name) = self.text(name)? else {
            return Ok(());
        };
        room(&self.devices)?;
        self.devices.insert(device, name);
        Ok(())
    }

    /// Learns whether an end lives in a namespace.
    pub(super) fn learn_here(
        &mut self,
        netns: u32,
        address: Option<IpAddr>,
        here: Option<bool>,
    ) -> Result<(), TooMany> {
        if let (Some(address), Some(here)) = (address, here) {
            room(&self.here)?;
            self.here.insert((netns, address), here);
        }
        Ok(())
    }

    fn learn_netns(&mut self, line: &Line<'_>) -> Result<(), TooMany> {
        let (Some(inode), Some(name)) = (line.netns, line.netns_name) else {
            return Ok(());
        };
        let kind = line
            .netns_kind
            .and_then(|kind| word(kind, &KINDS))
            .unwrap_or("named");
        let same = |known: &NetnsName| &*known.name == name && known.kind == kind;
        if self.namespaces.get(&inode).is_some_and(same) {
            return Ok(());
        }
        if let Some(name) = self.text(Some(name))? {
            room(&self.namespaces)?;
            self.namespaces.insert(inode, NetnsName { name, kind });
        }
        Ok(())
    }

    fn number(&mut self, known: Known) -> Result<u32, TooMany> {
        if let Some(number) = self.numbers.get(&known) {
            return Ok(*number);
        }
        if self.places.len() >= MOST_PLACES {
            return Err(TooMany);
        }
        let number = u32::try_from(self.places.len()).map_err(|_| TooMany)?;
        let spot = Spot {
            reason: known.reason.clone(),
            function: known.function.clone(),
            offset: known.offset,
            address: known.address,
        };
        let next = u16::try_from(self.spot_numbers.len()).map_err(|_| TooMany)?;
        self.spots
            .push(*self.spot_numbers.entry(spot).or_insert(next));
        self.places.push(known.clone());
        self.numbers.insert(known, number);
        Ok(number)
    }

    fn text(&mut self, text: Option<&str>) -> Result<Option<Arc<str>>, TooMany> {
        let Some(text) = text else { return Ok(None) };
        if let Some(known) = self.texts.get(text) {
            return Ok(Some(Arc::clone(known)));
        }
        self.text_bytes += text.len() + size_of::<Arc<str>>();
        if self.text_bytes > MOST_TEXT {
            return Err(TooMany);
        }
        let text: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&text));
        Ok(Some(text))
    }

    fn at(&self, site: &SiteKey) -> Option<&Known> {
        self.places.get(usize::from(site.stack))
    }
}

fn room<K, V>(map: &HashMap<K, V>) -> Result<(), TooMany> {
    if map.len() < MOST_NAMED {
        Ok(())
    } else {
        Err(TooMany)
    }
}

/// Engines of netfilter.
pub(super) const ENGINES: [&str; 3] = ["nftables", "xtables", "conntrack"];
/// How names of namespaces are found.
pub(super) const KINDS: [&str; 4] = ["named", "host", "container", "process"];

pub(super) fn word(found: &str, known: &[&'static str]) -> Option<&'static str> {
    known.iter().copied().find(|word| *word == found)
}

pub(super) fn hook(word: &str) -> Option<&'static str> {
    let all = [
        Hook::Ingress,
        Hook::Prerouting,
        Hook::Input,
        Hook::Forward,
        Hook::Output,
        Hook::Postrouting,
        Hook::Egress,
    ];
    all.map(Hook::as_str).into_iter().find(|hook| *hook == word)
}

pub(super) fn direction(word: &str) -> Option<&'static str> {
    let all = [Direction::Rx, Direction::Tx, Direction::Forward];
    all.into_iter()
        .filter_map(Direction::as_str)
        .find(|direction| *direction == word)
}

pub(super) fn evidence(word: &str) -> Evidence {
    let all = [
        Evidence::Reason,
        Evidence::Function,
        Evidence::Stack,
        Evidence::Tag,
        Evidence::State,
        Evidence::Hint,
    ];
    all.into_iter()
        .find(|evidence| evidence.as_str() == Some(word))
        .unwrap_or(Evidence::Nothing)
}

pub(super) fn address(text: &str) -> u64 {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16).unwrap_or_default()
}

impl Names for Recorded {
    fn reason(&mut self, reason: u32) -> ReasonLabel {
        let known = self.places.get(reason as usize);
        let text = known.and_then(|known| known.reason.clone());
        ReasonLabel {
            text: text.unwrap_or_else(|| "unknown".into()),
            named: true,
        }
    }

    fn function(&mut self, location: u64) -> Option<Place> {
        let number = usize::try_from(location.checked_sub(FIRST)?).ok()?;
        let known = self.places.get(number)?;
        Some(Place {
            function: known.function.clone()?,
            offset: known.offset,
        })
    }

    fn attribution(&mut self, site: &SiteKey, _stack: Option<&[u64]>) -> Attribution {
        match self.at(site) {
            Some(known) => Attribution {
                stage: known.stage,
                hook: known.hook,
                engine: known.engine,
                by: known.by,
                open: false,
                direction: known.direction,
                severity: known.severity,
            },
            None => Attribution {
                stage: Stage::unknown().id(),
                hook: None,
                engine: None,
                by: Evidence::Nothing,
                open: false,
                direction: None,
                severity: Severity::Suspicious,
            },
        }
    }

    fn device(&mut self, netns: u32, ifindex: u32) -> Option<Arc<str>> {
        self.devices.get(&(netns, ifindex)).cloned()
    }

    fn netns_name(&mut self, inode: u32) -> Option<NetnsName> {
        self.namespaces.get(&inode).cloned()
    }

    fn netns_place(&mut self, inode: u32) -> next::Place {
        match self.namespaces.get(&inode) {
            _ if inode == 0 => next::Place::Unknown,
            Some(NetnsName { kind: "host", .. }) => next::Place::Here,
            Some(NetnsName {
                name,
                kind: "named",
            }) => next::Place::Named(name.to_string()),
            _ => next::Place::Elsewhere(inode),
        }
    }

    fn is_local(&mut self, netns: u32, address: IpAddr) -> Option<bool> {
        self.here.get(&(netns, address)).copied()
    }

    fn qdisc(&mut self, site: &SiteKey) -> Option<Arc<str>> {
        self.at(site)?.qdisc.clone()
    }
}
