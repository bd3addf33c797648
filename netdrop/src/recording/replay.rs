//! A recording as the live views see a host: the same tally, interval by
//! interval.

use std::io::Read;

use super::read::{Interval, Recording};
use crate::{
    filter::plan::Verdict,
    tally::{
        packet::Drop,
        period::{Moment, Period, Tally, View},
        show::Show,
    },
};

impl<R: Read> Recording<R> {
    /// A tally of what comes next, as far as the filter wants it.
    #[must_use]
    pub fn tally(&self, view: View) -> Tally {
        let mut tally = Tally::new(view, self.attached());
        if let Some(plan) = self.filter_ahead() {
            tally.filter(plan);
        }
        tally
    }

    /// What an interval looks like in a tally.
    pub fn show(&mut self, interval: &Interval, tally: &mut Tally) -> Period {
        let moment = Moment {
            time: interval.time,
            time_squeeze: interval.time_squeeze.as_deref(),
            output_lost: 0,
        };
        tally.interval_without(
            interval.rejected.as_deref(),
            &interval.snapshot,
            &moment,
            &mut self.names,
        )
    }

    /// The sampled drops of an interval that the filter and the view want.
    pub fn events<'a>(
        &'a self,
        interval: &'a Interval,
        show: Show,
    ) -> impl Iterator<Item = &'a Drop> {
        interval
            .events
            .iter()
            .filter(move |sampled| show.includes(sampled.drop.severity))
            .filter(|sampled| {
                self.filter_ahead().is_none_or(|plan| {
                    plan.judge(&(&sampled.drop).into(), &sampled.flow) == Verdict::Keep
                })
            })
            .map(|sampled| &sampled.drop)
    }
}
