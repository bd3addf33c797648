//! A recording that is read by a thread of its own, one interval ahead: a pipe
//! that stands still keeps no key waiting.

use std::{
    sync::mpsc::{Sender, channel},
    thread,
};

use anyhow::Context as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::source::Bytes;
use crate::recording::read::{Interval, Recording};

/// A recording, to and fro.
type Played = Box<Recording<Bytes>>;

/// A recording and its next interval, as soon as that has been read.
pub(super) struct Reel {
    ask: Sender<Played>,
    answers: UnboundedReceiver<(Played, Option<Interval>)>,
    at_hand: Option<(Played, Option<Interval>)>,
}

impl Reel {
    /// Begins to read.
    pub(super) fn start(recording: Played) -> anyhow::Result<Self> {
        let (ask, questions) = channel::<Played>();
        let (answer, answers) = unbounded_channel();
        thread::Builder::new()
            .name("netdrop-replay".to_owned())
            .spawn(move || {
                while let Ok(mut recording) = questions.recv() {
                    let interval = recording.next_interval();
                    if answer.send((recording, interval)).is_err() {
                        break;
                    }
                }
            })
            .context("cannot start a thread")?;
        let reel = Self {
            ask,
            answers,
            at_hand: None,
        };
        reel.read_on(recording)?;
        Ok(reel)
    }

    /// Waits for the next interval, or the end, if it is not at hand.
    pub(super) async fn arrived(&mut self) -> anyhow::Result<()> {
        if self.at_hand.is_none() {
            let arrived = self.answers.recv().await;
            self.at_hand = Some(arrived.context("reading the recording ended early")?);
        }
        Ok(())
    }

    /// The recording with its next interval, where that is at hand; without one
    /// there is none any more.
    pub(super) fn next(&self) -> Option<(&Recording<Bytes>, Option<&Interval>)> {
        let (recording, interval) = self.at_hand.as_ref()?;
        Some((recording, interval.as_ref()))
    }

    /// Takes the next interval, if it is at hand. Give the recording back with
    /// [`read_on`](Self::read_on).
    pub(super) fn take(&mut self) -> Option<(Played, Interval)> {
        match self.at_hand.take()? {
            (recording, Some(interval)) => Some((recording, interval)),
            end => {
                self.at_hand = Some(end);
                None
            }
        }
    }

    /// Reads the interval after it.
    pub(super) fn read_on(&self, recording: Played) -> anyhow::Result<()> {
        let asked = self.ask.send(recording).ok();
        asked.context("reading the recording ended early")
    }
}
