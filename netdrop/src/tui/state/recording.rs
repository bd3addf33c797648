//! What is known of a recording while it goes on.

use jiff::Timestamp;

/// A recording under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The file.
    pub file: String,
    /// Whole seconds in it.
    pub seconds: u64,
    /// Drops in it.
    pub drops: u64,
    /// Its size.
    pub bytes: u64,
}

/// A name for a recording that begins now; without a clock, one without it.
#[must_use]
pub fn proposal(now: Option<Timestamp>) -> String {
    match now {
        Some(now) => format!("netdrop-{}.ndr", now.strftime("%Y%m%dT%H%M%SZ")),
        None => "netdrop.ndr".to_owned(),
    }
}
