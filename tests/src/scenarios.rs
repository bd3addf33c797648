//! The table of scenarios, theme by theme.

use crate::scenario::Scenario;

mod receive;

/// All scenarios, in the order in which they run.
pub(crate) fn all() -> impl Iterator<Item = &'static Scenario> {
    [receive::SCENARIOS].into_iter().flatten()
}
