//! Why a recording cannot be read, and how one that can be ends.

use std::{
    fmt,
    io::{self, Read},
};

use arrow_schema::{Schema, SchemaRef};

use crate::recording::{
    frame::{Frames, Stop},
    header::FORMAT,
    sound::Sequence,
};

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

impl OpenError {
    /// Without the columns of counts everything would read as nothing.
    pub(in crate::recording) fn unless_counts(schema: &Schema) -> Result<(), Self> {
        for column in ["kind", "drops"] {
            if schema.column_with_name(column).is_none() {
                let why = format!("it is damaged: there is no column {column:?}");
                return Err(Self::NotOne(why));
            }
        }
        Ok(())
    }
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

impl End {
    /// Where no row tells that it was closed.
    pub(in crate::recording) fn of<R: Read>(
        stop: Stop,
        frames: &Frames<R>,
        sequence: &Sequence,
    ) -> Self {
        let whole = frames.whole();
        match stop {
            Stop::Closed if frames.is_checked() => {
                Self::Damaged(whole, "nothing tells that it was closed".to_owned())
            }
            Stop::Closed => Self::Closed("unknown".to_owned()),
            Stop::Cut => Self::Cut(whole),
            Stop::Damaged(why) => Self::Damaged(whole, sequence.placed(why)),
            Stop::Io(error) => Self::Damaged(whole, error.to_string()),
        }
    }

    /// Behind a row that tells so: is there a mark that the stream was closed, and
    /// nothing behind it?
    pub(in crate::recording) fn behind<R: Read>(
        why: String,
        frames: &mut Frames<R>,
        schema: &SchemaRef,
    ) -> Self {
        let found = frames.batch(schema);
        let whole = frames.whole();
        match found {
            Err(Stop::Closed) => Self::Closed(why),
            Ok(_) => Self::Damaged(whole, "it goes on behind its end".to_owned()),
            Err(Stop::Cut) => Self::Cut(whole),
            Err(Stop::Damaged(why)) => Self::Damaged(whole, why),
            Err(Stop::Io(error)) => Self::Damaged(whole, error.to_string()),
        }
    }
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
