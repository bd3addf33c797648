//! Recordings of several hosts, and several recordings of a host.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use jiff::SignedDuration;

use super::{duration, fault::Usage, reading::once};
use crate::{
    recording::{anonymize::Anonymizer, fleet::Fleet, read::Recording, report::Builder},
    tally::period::View,
};

/// What is added to the clock of a host.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offset {
    host: String,
    by: SignedDuration,
}

impl Offset {
    /// Reads `HOST=+1.5s`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let form = "write HOST=+1.5s or HOST=-200ms";
        let (host, by) = text
            .rsplit_once('=')
            .filter(|(host, _)| !host.is_empty())
            .ok_or_else(|| form.to_owned())?;
        let (sign, length) = match by.split_at_checked(1) {
            Some(("+", length)) => (1, length),
            Some(("-", length)) => (-1, length),
            _ => return Err(format!("an offset has a sign: {form}")),
        };
        if !length.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(format!("not a duration; {form}"));
        }
        let length = duration::parse(length)?;
        let by = SignedDuration::try_from(length).map_err(|error| error.to_string())?;
        Ok(Self {
            host: host.to_owned(),
            by: by * sign,
        })
    }
}

/// A recording, from wherever it is read.
pub(super) type File = Recording<Box<dyn Read>>;

/// Reads recordings, those of a host one behind the other; their names are
/// hidden where that is wanted.
pub(super) fn read(
    files: &[PathBuf],
    anonymizer: Option<&Anonymizer>,
    open: impl Fn(&Path) -> anyhow::Result<File>,
    [view, flows]: [&View; 2],
    offsets: &[Offset],
) -> anyhow::Result<Fleet> {
    once(files)?;
    let mut opened = Vec::new();
    for (place, path) in files.iter().enumerate() {
        opened.push((place, path, open(path)?));
    }
    let offsets = &renamed(offsets, anonymizer);
    known(&opened, offsets)?;
    let offset = |recording: &File| {
        let mut given = offsets.iter().rev();
        given
            .find(|offset| offset.host == recording.header().host)
            .map_or(SignedDuration::ZERO, |offset| offset.by)
    };
    // Stable: those that do not tell come first, in the order given.
    opened.sort_by_key(|(_, _, recording)| recording.header().start);
    let mut hosts: Vec<(usize, Builder)> = Vec::new();
    for (place, path, recording) in opened {
        // Files are called like hosts.
        let file = if anonymizer.is_some() {
            format!("recording{}", place + 1).into()
        } else {
            path.to_string_lossy()
        };
        if hosts.iter().any(|(_, host)| host.overlaps(&recording)) {
            let file = path.display();
            return Err(Usage(format!(
                "{file} holds drops that are in another of these files, too, and they would count \
                 twice: leave one of them out"
            ))
            .into());
        }
        let before = hosts
            .iter()
            .rposition(|(_, host)| host.is_followed_by(&recording));
        let slot = before.unwrap_or_else(|| {
            let new = Builder::new(&recording, view, flows, offset(&recording));
            hosts.push((place, new));
            hosts.len() - 1
        });
        let (first, host) = &mut hosts[slot];
        *first = place.min(*first);
        host.read(&file, recording);
    }
    hosts.sort_by_key(|(place, _)| *place);
    let reports = hosts.into_iter().map(|(_, host)| host.finish());
    Ok(Fleet::of(reports.collect()))
}

/// The hosts as their recordings name them now.
fn renamed(offsets: &[Offset], anonymizer: Option<&Anonymizer>) -> Vec<Offset> {
    let mut offsets = offsets.to_vec();
    for Offset { host, .. } in &mut offsets {
        if let Some(alias) = anonymizer.and_then(|anonymizer| anonymizer.host(host)) {
            *host = alias.to_string();
        }
    }
    offsets
}

/// Is there a host for each offset?
fn known(opened: &[(usize, &PathBuf, File)], offsets: &[Offset]) -> anyhow::Result<()> {
    for Offset { host, .. } in offsets {
        let mut hosts: Vec<&str> = opened
            .iter()
            .map(|(_, _, recording)| &*recording.header().host)
            .collect();
        if !hosts.contains(&&**host) {
            hosts.sort_unstable();
            hosts.dedup();
            let text = format!(
                "--offset: no recording is of a host named {host}; hosts: {}",
                hosts.join(", ")
            );
            return Err(Usage(text).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_has_a_host_a_sign_and_a_unit() {
        let offset = |host: &str, by| Offset {
            host: host.to_owned(),
            by: SignedDuration::from_millis(by),
        };
        assert_eq!(Offset::parse("web-1=+1.5s"), Ok(offset("web-1", 1500)));
        assert_eq!(Offset::parse("a=b=-20ms"), Ok(offset("a=b", -20)));
        for wrong in [
            "web-1",
            "=+1s",
            "web-1=1s",
            "web-1=+",
            "web-1=+-1s",
            "web-1=+5",
            "web-1=é",
        ] {
            assert!(Offset::parse(wrong).is_err(), "{wrong}");
        }
    }
}
