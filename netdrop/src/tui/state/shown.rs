//! What is on display: the counts as they were when somebody last looked. While
//! the display is paused they stay, and counting goes on.

use super::{compared::Compared, counts::Counts};
use crate::{
    drops::stage::Stage,
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

/// What a stage lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageCount {
    /// The stage.
    pub stage: Stage,
    /// In the run.
    pub run: Sums,
    /// In the last interval.
    pub now: Sums,
    /// Its rows, which tell more than the stage.
    pub lines: Vec<Line>,
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
    /// Every stage, in path order.
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

fn path(counts: &Counts) -> Vec<StageCount> {
    let mut stages: Vec<StageCount> = Stage::all()
        .map(|stage| StageCount {
            stage,
            run: Sums::default(),
            now: Sums::default(),
            lines: Vec::new(),
        })
        .collect();
    let by = By::of([Key::Stage]);
    for line in counts.lines(&by, Order::Drops, MOST_STAGES, None) {
        let name = line.run.fields.first().map(|field| &field.value);
        let stage = match name {
            Some(crate::tally::row::Value::Text(name)) => Stage::find(name),
            _ => None,
        };
        let stage = stage.unwrap_or(Stage::unknown());
        if let Some(count) = stages.iter_mut().find(|count| count.stage == stage) {
            count.run += &line.run.sums;
            count.now += &line.now;
            count.lines.push(line);
        }
    }
    stages
}
