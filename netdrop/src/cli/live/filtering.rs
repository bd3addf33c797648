//! Another filter: the programs are loaded anew.

use jiff::Timestamp;

use super::Live;
use crate::{
    cli::{fault::Held, filter, session},
    filter::FilterError,
    kernel::capture::CaptureConfig,
    output::decided,
    tally::accounting::Attached,
    tui::{screen::Screen, state::editor::Refusal},
};

impl Live {
    /// Counts with another filter. The old programs count until the new ones do.
    pub(super) fn filter(
        &mut self,
        text: &str,
        screen: &mut Screen,
        held: &Held,
    ) -> anyhow::Result<()> {
        let filter = match filter::read(&[text.to_owned()]) {
            Ok(filter) => filter,
            Err(error) => {
                self.state.refuse(refusal(&error));
                return Ok(());
            }
        };
        self.state.say("loading the programs with the new filter …");
        screen.draw(&mut self.state)?;
        self.state.key_was_pressed();
        let config = CaptureConfig {
            rules: filter::rules(filter.as_ref()),
            ..self.config.clone()
        };
        let (capture, mut names) = match session::capture(&config) {
            Ok(started) => started,
            Err(error) => {
                self.state.refuse(refusal(&error));
                return Ok(());
            }
        };
        if let Some(given) = &self.given {
            names.reclassify(given.clone());
        }
        if self.is_recording() {
            // A recording has one filter.
            self.collect(held)?;
            self.stop_recording("filter");
        }
        let attached = Attached::of(capture.hooks());
        let plan = filter.as_ref().map(|filter| (&*filter.text, &filter.plan));
        self.state.restart(&attached, plan);
        self.comparison.forget();
        if self.comparison.always && self.state.filter.is_none() {
            self.comparison.begin(capture.since(), Timestamp::now());
        }
        let warnings = filter::warnings(filter.as_ref(), names.symbols());
        (self.capture, self.names, self.config) = (capture, names, config);
        for warning in warnings {
            self.remark(format!("warning: {warning}"));
        }
        self.plan = filter.map(|filter| filter.plan);
        self.squeezes.delta();
        self.say_decided();
        self.state.say("a new filter: totals start from zero, now");
        self.warn_of_overflow();
        Ok(())
    }

    /// Says what of the filter is decided where.
    pub(super) fn say_decided(&mut self) {
        let plan = self.plan.as_ref();
        for sentence in plan.map(decided::sentences).unwrap_or_default() {
            self.state.say(sentence);
        }
    }

    /// Says where the filter costs more than it need.
    pub(super) fn warn_of_overflow(&mut self) {
        if let Some(text) = self.plan.as_ref().and_then(decided::overflow) {
            self.remark(format!("warning: {text}"));
        }
    }
}

/// What is wrong, and where.
pub(in crate::cli) fn refusal(error: &anyhow::Error) -> Refusal {
    match error.downcast_ref::<FilterError>() {
        Some(error) => Refusal {
            message: match error.remedy() {
                Some(remedy) => format!("{}; {remedy}", error.message()),
                None => error.message().to_owned(),
            },
            span: Some(error.span()),
        },
        None => Refusal {
            message: format!("{error:#}"),
            span: None,
        },
    }
}
