//! Errors that libraries log go to standard error; what they merely warn of is
//! either said better by our own errors or no concern of the user.

use log::{LevelFilter, Log, Metadata, Record};

use super::fault;
use crate::output::escape::escape;

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LevelFilter::Error
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            fault::say(&escape(&record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

pub(super) fn install() {
    // Only a second logger could fail, and there is none.
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(LevelFilter::Error);
    }
}
