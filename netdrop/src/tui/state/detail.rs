//! All that is known of the drops of one row.

use crate::{
    drops::{advice::Advice, catalogue, side::Passage, stage::Stage},
    output::escape::escape,
    tally::{
        group::Group,
        key::{By, Key},
        packet::Drop,
        regroup::{Line, Order, Within},
        row::{Row, Value},
        sums::Sums,
    },
};

use super::{counts::Counts, events::Events};

/// Rows of each kind.
const MOST: usize = 8;
/// Reasons explained at most.
const MOST_ADVICE: usize = 4;

/// What drops of a reason in a stage mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The meaning and the commands.
    pub advice: Advice,
    /// Counters that rise with them.
    pub counters: &'static [&'static str],
    /// What they usually come from.
    pub causes: &'static [&'static str],
}

/// A row, looked into.
#[derive(Clone, Debug)]
pub struct Detail {
    by: By,
    groups: Vec<Group>,
    /// The row's keys, of its first group.
    pub row: Row,
    /// Only a stage of one side is looked into, whatever else the row's keys say.
    pub stage: Option<Passage>,
    /// Its drops in the run.
    pub run: Sums,
    /// Its drops in the last interval.
    pub now: Sums,
    /// By stage, reason and function.
    pub reasons: Vec<Line>,
    /// By device and namespace.
    pub places: Vec<Line>,
    /// By CPU.
    pub cpus: Vec<Line>,
    /// By flow.
    pub flows: Vec<Line>,
    /// The last of those that were seen one by one, the newest first.
    pub packets: Vec<Drop>,
    /// What they mean.
    pub told: Vec<Told>,
    /// The command that was copied last, counted over all of them.
    pub copied: Option<usize>,
    /// Lines scrolled away.
    pub scroll: usize,
}

impl Detail {
    /// Looks into the rows of these groups, which are all of one stage if one is
    /// given; `row` is one of them.
    #[must_use]
    pub fn of(by: &By, groups: Vec<Group>, row: &Row, stage: Option<Passage>) -> Self {
        Self {
            by: by.clone(),
            groups,
            row: row.clone(),
            stage,
            run: Sums::default(),
            now: Sums::default(),
            reasons: Vec::new(),
            places: Vec::new(),
            cpus: Vec::new(),
            flows: Vec::new(),
            packets: Vec::new(),
            told: Vec::new(),
            copied: None,
            scroll: 0,
        }
    }

    /// Is it a flow?
    #[must_use]
    pub fn is_flow(&self) -> bool {
        self.by == By::flow()
    }

    /// The same stage may have more rows by now.
    pub fn widen(&mut self, lines: &[Line]) {
        self.groups = lines.iter().map(|line| line.group).collect();
        if let Some(line) = lines.first() {
            self.row = line.run.clone();
        }
    }

    /// Takes the counts as they are now.
    pub fn refresh(&mut self, counts: &Counts, events: &Events) {
        let Self { by, groups, .. } = &*self;
        let within = Some(Within { by, groups });
        let lines = |by: &By, most| counts.lines(by, Order::Drops, most, within);
        let keys = |keys: &[Key]| By::of(keys.iter().copied());
        let (mut run, mut now) = (Sums::default(), Sums::default());
        for line in lines(by, groups.len()) {
            run += &line.run.sums;
            now += &line.now;
        }
        let reasons = lines(&keys(&[Key::Stage, Key::Reason, Key::Function]), MOST);
        let places = lines(&keys(&[Key::Device, Key::Netns]), MOST);
        let cpus = lines(&keys(&[Key::Cpu]), 64);
        let flows = if by.needs_flows() {
            Vec::new()
        } else {
            // The rows of flows must be asked of a tally that knows both.
            let all = By::of(By::flow().keys().iter().copied());
            lines(&all, MOST)
        };
        // A flow dies in one namespace, as a rule, and commands run there.
        let netns = by.needs_flows().then_some(Key::Netns);
        let more = [Key::Stage, Key::Reason].into_iter().chain(netns);
        // A stage means the same whichever way its packets went.
        let own = by.keys().iter().copied();
        let own = own.filter(|key| self.stage.is_none() || *key != Key::Direction);
        let meant = By::of(own.chain(more));
        let rows: Vec<Row> = lines(&meant, MOST_ADVICE)
            .into_iter()
            .map(|line| line.run)
            .collect();
        let told = counts.advice(&rows).into_iter().map(Told::of);
        self.told = told.take(MOST_ADVICE).collect();
        let packets = events.newest().filter(|drop| self.has(drop));
        self.packets = packets.take(MOST).cloned().collect();
        (self.run, self.now) = (run, now);
        (self.reasons, self.places) = (reasons, places);
        (self.cpus, self.flows) = (cpus, flows);
    }
}

impl Detail {
    /// The commands to run next.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        let told = self.told.iter();
        told.flat_map(|told| told.advice.commands.iter().map(|it| &**it))
    }

    /// The command behind the one that was copied last, or the first.
    pub fn next_command(&mut self) -> Option<String> {
        let next = self.copied.map_or(0, |last| last + 1);
        let (place, command) = self
            .commands()
            .enumerate()
            .nth(next)
            .or_else(|| self.commands().enumerate().next())?;
        let command = escape(command).into_owned();
        self.copied = Some(place);
        Some(command)
    }

    /// Is this drop one of the row's?
    fn has(&self, drop: &Drop) -> bool {
        if let Some(stage) = self.stage {
            let own = drop.stage.as_deref().and_then(Stage::find);
            let own = own.unwrap_or(Stage::unknown());
            return Passage::of(own, drop.hook.as_deref(), drop.direction.as_deref()) == stage;
        }
        is_of(&self.row, drop)
    }
}

/// Is this drop one of the row's, as far as its keys tell?
pub(super) fn is_of(row: &Row, drop: &Drop) -> bool {
    let text = |found: Option<&str>| found.map_or(Value::Null, |it| Value::Text(it.into()));
    let address = |found: Option<std::net::IpAddr>| {
        found.map_or(Value::Null, |it| Value::Text(it.to_string().into()))
    };
    row.fields.iter().all(|field| {
        let found = match field.name {
            "stage" => text(drop.stage.as_deref()),
            "hook" => text(drop.hook.as_deref()),
            "reason" => text(drop.reason.as_deref()),
            "function" => text(drop.function.as_deref()),
            "device" => text(drop.device.as_deref()),
            "ifindex" => Value::from(drop.ifindex),
            "netns" => Value::from(drop.netns),
            "cpu" => Value::from(Some(drop.cpu)),
            "protocol" => text(drop.protocol.as_deref()),
            "src" => address(drop.src),
            "src_port" => Value::from(drop.src_port),
            "dst" => address(drop.dst),
            "dst_port" => Value::from(drop.dst_port),
            "direction" => text(drop.direction.as_deref()),
            // What goes with another field, or cannot tell drops apart.
            _ => return true,
        };
        found == field.value
    })
}

impl Told {
    fn of(advice: Advice) -> Self {
        let reason = advice.reason.as_deref().and_then(catalogue::reason);
        let stage = Stage::find(&advice.stage).unwrap_or(Stage::unknown());
        let counters = match reason {
            Some(reason) if !reason.counters.is_empty() => reason.counters,
            _ => stage.info().counters,
        };
        Self {
            counters,
            causes: reason.map_or(&[], |reason| reason.causes),
            advice,
        }
    }
}
