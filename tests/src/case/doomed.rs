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
    inner: Option<Frame>,
    readable: bool,
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
            inner: None,
            readable: true,
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

    /// What is left when it dies is this frame, which it carried.
    pub(crate) fn carrying(self, inner: Frame) -> Self {
        Self {
            inner: Some(inner),
            ..self
        }
    }

    /// Its headers are broken: flow and length are not looked at.
    pub(crate) fn unreadable(self) -> Self {
        Self {
            readable: false,
            ..self
        }
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
            inner,
            readable,
        } = self;
        let frame = inner.unwrap_or(frame);
        let mut drops = Drops::at(site, namespace, Count::Exactly(times)).device(device);
        if readable {
            drops = drops.flow(frame.flow()).length(frame.packet_length());
        }
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
