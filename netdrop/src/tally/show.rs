//! Which severities are shown; the others are counted as hidden.

use super::names::Severity;

/// What `--severity` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Everything but benign drops.
    #[default]
    NotBenign,
    /// Exactly one severity.
    Only(Severity),
    /// Everything.
    All,
}

impl Show {
    /// Are drops of this severity shown?
    #[must_use]
    pub fn includes(self, severity: Severity) -> bool {
        match self {
            Self::NotBenign => severity != Severity::Benign,
            Self::Only(only) => severity == only,
            Self::All => true,
        }
    }
}
