//! Why a recording cannot be read, and how one that can be ends.

use std::{fmt, io};

use crate::recording::header::FORMAT;

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is no Arrow stream, or one of something else.
    #[error("is no recording of netdrop: {0}")]
    NotOne(String),
    /// It breaks off before its columns are described.
    #[error("is cut off before anything was recorded")]
    Empty,
    /// A later netdrop wrote it.
    #[error(
        "was written by netdrop {version} in format {format}, and this one reads formats up to \
         {FORMAT}: use netdrop {version} or a later one"
    )]
    Newer {
        /// Which version of netdrop wrote it.
        version: String,
        /// In which format.
        format: u32,
    },
}

/// How a recording ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was closed: by a signal, after its duration, or when it was full.
    Closed(String),
    /// It was cut off behind so many whole bytes.
    Cut(u64),
    /// What comes behind so many bytes is damaged.
    Damaged(u64, String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(why) => write!(f, "closed ({why})"),
            Self::Cut(bytes) => write!(f, "cut off at byte {bytes}: later intervals are missing"),
            Self::Damaged(bytes, why) => write!(
                f,
                "damaged at byte {bytes}: later intervals are missing; {why}"
            ),
        }
    }
}
