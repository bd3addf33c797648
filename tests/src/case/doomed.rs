//! Frames that one end of a link sends and that die in the namespace of the
//! other: the drops follow from the frames.

use anyhow::Result;

use super::{Case, Count, Drops};
use crate::{
    bench::Bench,
    counter::Counter,
    frame::Frame,
    lab::{A, B, Namespace},
    sender,
    site::Site,
};

/// A frame, how often it is sent, and where it must die.
pub(crate) struct Doomed<'a> {
    site: &'static Site,
    frame: Frame,
    times: u64,
    counter: Option<Counter<'a>>,
    device: &'static str,
    crowded: bool,
}

impl<'a> Doomed<'a> {
    pub(crate) fn at(site: &'static Site, frame: Frame, times: u64) -> Self {
        Self {
            site,
            frame,
            times,
            counter: None,
            device: B.device,
            crowded: false,
        }
    }

    /// The kernel's counter that moves with this frame, and with no other of the
    /// same check.
    pub(crate) fn counted_by(self, counter: Counter<'a>) -> Self {
        Self {
            counter: Some(counter),
            ..self
        }
    }

    /// It dies on another device than B's.
    pub(crate) fn on(self, device: &'static str) -> Self {
        Self { device, ..self }
    }

    /// Others die in the same place.
    pub(crate) fn crowded(self) -> Self {
        Self {
            crowded: true,
            ..self
        }
    }

    /// The drops in B's namespace.
    fn drops(self, namespace: &Namespace) -> Drops<'a> {
        let Self {
            site,
            frame,
            times,
            counter,
            device,
            crowded,
        } = self;
        let mut drops = Drops::at(site, namespace, Count::Exactly(times))
            .device(device)
            .flow(frame.flow())
            .length(frame.packet_length());
        if crowded {
            drops = drops.crowded();
        }
        match counter {
            Some(counter) => drops.counted_by(counter),
            None => drops,
        }
    }

    /// Sends them all from A to B, and all must die there.
    pub(crate) fn check_all(
        bench: &Bench,
        from: &Namespace,
        to: &Namespace,
        doomed: impl IntoIterator<Item = Self>,
    ) -> Result<()> {
        let doomed: Vec<Self> = doomed.into_iter().collect();
        let frames: Vec<(Vec<u8>, u64)> = doomed
            .iter()
            .map(|one| (one.frame.bytes(), one.times))
            .collect();
        Case::of(doomed.into_iter().map(|one| one.drops(to))).check(bench, || {
            frames
                .iter()
                .try_for_each(|(frame, times)| sender::raw_frames(from, A.device, frame, *times))
        })
    }
}
