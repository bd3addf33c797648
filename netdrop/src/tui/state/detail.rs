//! All that is known of the drops of one row.

use crate::{
    drops::{advice::Advice, catalogue, stage::Stage},
    tally::{
        group::Group,
        key::{By, Key},
        regroup::{Line, Order, Within},
        row::Row,
        sums::Sums,
    },
};

use super::counts::Counts;

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
    /// Only a stage is looked into, whatever else the row's keys say.
    pub stage: Option<Stage>,
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
    /// What they mean.
    pub told: Vec<Told>,
    /// Lines scrolled away.
    pub scroll: usize,
}

impl Detail {
    /// Looks into the rows of these groups, which are all of one stage if one is
    /// given; `row` is one of them.
    #[must_use]
    pub fn of(by: &By, groups: Vec<Group>, row: &Row, stage: Option<Stage>) -> Self {
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
            told: Vec::new(),
            scroll: 0,
        }
    }

    /// The same stage may have more rows by now.
    pub fn widen(&mut self, lines: &[Line]) {
        self.groups = lines.iter().map(|line| line.group).collect();
        if let Some(line) = lines.first() {
            self.row = line.run.clone();
        }
    }

    /// Takes the counts as they are now.
    pub fn refresh(&mut self, counts: &Counts) {
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
        let meant = By::of(by.keys().iter().copied().chain(more));
        let rows: Vec<Row> = lines(&meant, MOST_ADVICE)
            .into_iter()
            .map(|line| line.run)
            .collect();
        let told = counts.advice(&rows).into_iter().map(Told::of);
        self.told = told.take(MOST_ADVICE).collect();
        (self.run, self.now) = (run, now);
        (self.reasons, self.places) = (reasons, places);
        (self.cpus, self.flows) = (cpus, flows);
    }
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
