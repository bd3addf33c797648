//! How much a drop matters.

use std::{fmt, str::FromStr};

/// How much a drop matters, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Normal on a healthy host.
    Benign,
    /// Depends on what the host is for.
    Suspicious,
    /// Somebody lost data.
    Harmful,
}

/// A word that is no severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown severity {0:?}; use harmful, suspicious or benign")]
pub struct UnknownSeverity(pub String);

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 3] = [Self::Harmful, Self::Suspicious, Self::Benign];

    /// The word used on the command line, in the data and in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Benign => "benign",
            Self::Suspicious => "suspicious",
            Self::Harmful => "harmful",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == word)
            .ok_or_else(|| UnknownSeverity(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn words_are_read_and_written() {
        for severity in Severity::ALL {
            assert_eq!(severity.to_string().parse(), Ok(severity));
        }
        assert!("bad".parse::<Severity>().is_err());
        assert!(Severity::Harmful > Severity::Suspicious);
    }
}
