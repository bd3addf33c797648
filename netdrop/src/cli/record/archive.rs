//! Where intervals go: one file, several, or the memory of the flight recorder.

mod pieces;
mod recent;

use jiff::Timestamp;

pub(super) use self::{
    pieces::{Pieces, Rotation},
    recent::{Dumps, Recent},
};
use super::alarm::Fired;
use crate::{
    cli::outfile::Fresh,
    recording::{
        header::Header,
        write::{HostCounter, Written, sheet::Sheet, state::State, stream::Stream},
    },
};

/// Where intervals are to go, before anything is known of the host.
#[derive(Debug)]
pub(super) enum Target {
    /// One file, of so many bytes at most.
    One(Fresh, Option<u64>, String),
    /// One after another.
    Pieces(Box<Pieces>),
    /// Memory.
    Recent(Dumps),
}

/// Why the flight recorder writes.
#[derive(Clone, Debug)]
pub(super) enum Cause {
    Signal(Timestamp),
    Trigger(Timestamp, Fired),
}

/// What became of it all.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) drops: u64,
    pub(super) intervals: u64,
    pub(super) bytes: u64,
    /// In which file, and whatever else is to be told.
    pub(super) place: String,
}

/// Where intervals go.
pub(super) enum Archive {
    One(Box<Stream>, String),
    Pieces(Box<Pieces>),
    Recent(Box<Recent>),
}

impl Archive {
    pub(super) fn start(
        target: Target,
        header: Header,
        counters: &[HostCounter],
    ) -> anyhow::Result<Self> {
        let state = State::new(counters);
        Ok(match target {
            Target::One(file, most, name) => {
                let stream = Stream::start(file.begin()?, &header, most, state)?;
                Self::One(Box::new(stream), name)
            }
            Target::Pieces(mut pieces) => {
                pieces.start(header, state)?;
                Self::Pieces(pieces)
            }
            Target::Recent(dumps) => Self::Recent(Box::new(Recent::start(dumps, header, state)?)),
        })
    }

    /// Takes an interval. What is to be told of it goes to `say`.
    pub(super) fn sheet(
        &mut self,
        sheet: Sheet,
        say: &mut dyn FnMut(String),
    ) -> anyhow::Result<Written> {
        match self {
            Self::One(stream, _) => Ok(stream.sheet(sheet)?),
            Self::Pieces(pieces) => pieces.sheet(sheet).map(|()| Written::Yes),
            Self::Recent(recent) => recent.sheet(sheet, say).map(|()| Written::Yes),
        }
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::One(stream, _) => stream.written(),
            Self::Pieces(pieces) => pieces.bytes(),
            Self::Recent(recent) => recent.bytes(),
        }
    }

    /// Writes what the flight recorder has. That it fails is told, and no reason
    /// to stop.
    pub(super) fn dump(&mut self, cause: &Cause, say: &mut dyn FnMut(String)) {
        if let Self::Recent(recent) = self {
            recent.dump(cause, say);
        }
    }

    /// Closes everything.
    pub(super) fn finish(self, why: &str, so_far: &Summary) -> anyhow::Result<Summary> {
        match self {
            Self::One(stream, place) => Ok(Summary {
                bytes: stream.finish(why)?,
                place,
                ..so_far.clone()
            }),
            Self::Pieces(pieces) => pieces.finish(why, so_far),
            Self::Recent(recent) => recent.finish(),
        }
    }
}
