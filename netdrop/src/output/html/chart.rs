//! What the charts of a page have in common: the time, the stages that have a
//! colour of their own, and which hosts there is room for.

use maud::{Markup, html};

use super::axis::TimeAxis;
use crate::{
    drops::stage::Stage,
    recording::{
        fleet::{Fleet, Host},
        report::chart::{self, Drops},
    },
};

/// Stages with a colour of their own.
const COLOURS: usize = 7;
/// Hosts with charts of their own.
const MOST_HOSTS: usize = 5;

/// What all charts share.
pub(super) struct Chart<'f> {
    pub(super) axis: TimeAxis,
    /// Most drops first.
    pub(super) stages: Vec<(Option<Stage>, Drops)>,
    /// Those that lost most that was not benign.
    pub(super) hosts: Vec<&'f Host>,
    /// Hosts without room.
    pub(super) left_out: usize,
}

impl<'f> Chart<'f> {
    /// `None` where there is no time to show.
    pub(super) fn of(fleet: &'f Fleet) -> Option<Self> {
        let (first, last) = fleet.span()?;
        let bins: Vec<_> = fleet
            .hosts
            .iter()
            .flat_map(|host| host.report.chart.clone())
            .collect();
        let mut stages = chart::sum(&bins, |bin| &bin.stages);
        stages.retain(|(_, drops)| drops.serious() > 0);
        stages.sort_by_key(|(_, drops)| std::cmp::Reverse((drops.harmful, drops.serious())));
        let mut hosts: Vec<&Host> = fleet.hosts.iter().collect();
        let left_out = hosts.len().saturating_sub(MOST_HOSTS);
        if left_out > 0 {
            hosts.sort_by_key(|host| {
                let sums = &host.report.summary.totals.sums;
                std::cmp::Reverse(sums.harmful + sums.suspicious)
            });
            hosts.truncate(MOST_HOSTS);
        }
        Some(Self {
            axis: TimeAxis { first, last },
            stages,
            hosts,
            left_out,
        })
    }

    /// The stages that stand for themselves.
    pub(super) fn named(&self) -> &[(Option<Stage>, Drops)] {
        let named = if self.stages.len() > COLOURS + 1 {
            COLOURS
        } else {
            self.stages.len()
        };
        &self.stages[..named]
    }

    /// The place of a stage in the colours; the last one is for all others.
    pub(super) fn colour(&self, stage: Option<Stage>) -> usize {
        let mut named = self.named().iter();
        named
            .position(|(known, _)| *known == stage)
            .unwrap_or(COLOURS + 1)
    }

    /// Says that there were more hosts.
    pub(super) fn more_hosts(&self) -> Markup {
        html! {
            @if self.left_out > 0 {
                p.note {
                    "Charts of the " (self.hosts.len()) " hosts that lost most; "
                    (self.left_out) " more are in the tables."
                }
            }
        }
    }
}

/// The name of a stage for people.
pub(super) fn title(stage: Option<Stage>) -> &'static str {
    stage.map_or("not kept apart", |stage| stage.info().name)
}
