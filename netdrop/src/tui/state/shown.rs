//! What is on display: the counts as they were when somebody last looked. While
//! the display is paused they stay, and counting goes on.

use super::{compared::Compared, counts::Counts};
use crate::{
    drops::{
        side::{Passage, Side},
        stage::Stage,
    },
    tally::{
        key::{By, Key},
        period::Period,
        regroup::{Line, Order},
        sheet::LetGo,
        sums::Sums,
    },
};

/// Stages apart on display.
const MOST_STAGES: usize = 1000;

/// What a stage lost on a side of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageCount {
    /// The stage.
    pub stage: Stage,
    /// The side.
    pub side: Side,
    /// In the run.
    pub run: Sums,
    /// In the last interval.
    pub now: Sums,
    /// Its rows, which tell more than the stage.
    pub lines: Vec<Line>,
}

impl StageCount {
    /// The stage as this side passes it.
    #[must_use]
    pub fn passage(&self) -> Passage {
        let Self { stage, side, .. } = *self;
        Passage { stage, side }
    }
}

/// The counts on display.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The last interval, without rows.
    pub now: Period,
    /// The run, without rows.
    pub run: Period,
    /// Share of one CPU that netdrop's own process took; `None` at first.
    pub own: Option<f64>,
    /// Every stage, in path order, side by side; those that are passed on two sides
    /// stand on both.
    pub path: Vec<StageCount>,
    /// The kernel's counters, where they are read.
    pub compared: Option<Compared>,
    /// The table's rows.
    pub table: Vec<Line>,
    /// The flows' rows.
    pub flows: Vec<Line>,
    /// Rows of the table, and flows, that gave way to others.
    pub let_go: [LetGo; 2],
}

impl Shown {
    /// The counts as they are.
    #[must_use]
    pub fn of(
        now: &Period,
        own: Option<f64>,
        counts: &Counts,
        by: &By,
        (order, room): (Order, usize),
    ) -> Self {
        // As many rows as there is room for, and more if they are asked for.
        let top = counts.asked().view.top.max(room);
        let flow = By::flow();
        let flow_order = match order {
            Order::Rate => Order::Rate,
            Order::Drops | Order::Hurt => order,
        };
        Self {
            now: now.clone(),
            run: counts.run(now.time),
            own,
            path: path(counts),
            compared: None,
            table: counts.lines(by, order, top, None),
            flows: counts.lines(&flow, flow_order, top, None),
            let_go: [by, &flow].map(|by| counts.let_go(by)),
        }
    }
}

/// The keys by which a stage is told apart by side.
pub(super) fn by_side() -> By {
    By::of([Key::Stage, Key::Direction])
}

fn path(counts: &Counts) -> Vec<StageCount> {
    let lines = counts.lines(&by_side(), Order::Drops, MOST_STAGES, None);
    let lines: Vec<(Passage, Line)> = lines
        .into_iter()
        .map(|line| {
            let text = |name| line.run.text(name);
            let stage = text("stage").and_then(Stage::find);
            let stage = stage.unwrap_or(Stage::unknown());
            let passage = Passage::of(stage, text("hook"), text("direction"));
            (passage, line)
        })
        .collect();
    let is_sent = |stage| {
        let side = Side::Sending;
        lines.iter().any(|(it, _)| *it == Passage { stage, side })
    };
    let sides = [Side::Receiving, Side::Sending, Side::Beside];
    let mut stages: Vec<StageCount> = sides
        .into_iter()
        .flat_map(|side| {
            let stages = side.stages(is_sent).into_iter();
            stages.map(move |stage| StageCount {
                stage,
                side,
                run: Sums::default(),
                now: Sums::default(),
                lines: Vec::new(),
            })
        })
        .collect();
    for (passage, line) in lines {
        if let Some(count) = stages.iter_mut().find(|count| count.passage() == passage) {
            count.run += &line.run.sums;
            count.now += &line.now;
            count.lines.push(line);
        }
    }
    stages
}
