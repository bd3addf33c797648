//! What this host calls things: the tally's [`Names`] over the kernel's symbols
//! and reasons, the catalogue of drops, and the host's devices.

use std::sync::Arc;

use netdrop_ebpf::site::SiteKey;

use crate::tally::names::{Attribution, Names, Place, Severity};

/// Placeholder until the resolvers are merged: knows nothing.
#[derive(Debug)]
pub(super) struct Resolver {}

/// Opens everything that needs a privilege which the capture gives up.
#[expect(clippy::unnecessary_wraps, reason = "the resolvers can fail to open")]
pub(super) fn open() -> anyhow::Result<Resolver> {
    Ok(Resolver {})
}

/// The sum of `time_squeeze` over all CPUs since boot.
pub(super) fn time_squeeze() -> Option<u64> {
    None
}

impl Names for Resolver {
    fn reason(&mut self, _reason: u32) -> Option<Arc<str>> {
        None
    }

    fn function(&mut self, _location: u64) -> Option<Place> {
        None
    }

    fn attribution(&mut self, _site: &SiteKey) -> Attribution {
        Attribution {
            stage: "unknown",
            direction: None,
            severity: Severity::Suspicious,
        }
    }

    fn device(&mut self, _netns: u32, _ifindex: u32) -> Option<Arc<str>> {
        None
    }

    fn netns_name(&mut self, _inode: u32) -> Option<Arc<str>> {
        None
    }
}
