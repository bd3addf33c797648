//! What every scenario is handed: the binary under test and the running kernel.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use nix::mount::{MsFlags, mount};

use crate::{
    attributed::Attributed, kernel::Kernel, netdrop::Netdrop, scenario::cannot, sys::Stats,
};

const TRACING: &str = "/sys/kernel/tracing";

/// How long a thing may take that takes no time: generous, because an emulated
/// CPU is fifty times slower.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The place where scenarios run.
pub(crate) struct Bench {
    pub(crate) kernel: Kernel,
    pub(crate) attributed: Attributed,
    netdrop: Option<PathBuf>,
    _stats: Stats,
}

impl Bench {
    /// Looks at the kernel. Without a binary only the witnesses speak.
    pub(crate) fn new(netdrop: Option<PathBuf>) -> Result<Self> {
        if !fs::exists(format!("{TRACING}/events"))? {
            mount(
                Some("tracefs"),
                TRACING,
                Some("tracefs"),
                MsFlags::empty(),
                None::<&str>,
            )
            .context("cannot mount tracefs; the lab needs root")?;
        }
        let netdrop = match netdrop {
            Some(path) => Some(
                path.canonicalize()
                    .with_context(|| path.display().to_string())?,
            ),
            None => None,
        };
        Ok(Self {
            kernel: Kernel::read()?,
            attributed: Attributed::default(),
            netdrop,
            _stats: Stats::enable().context("cannot count the runs of BPF programs")?,
        })
    }

    /// The binary under test; without one the scenario cannot be done.
    pub(crate) fn binary(&self) -> Result<&PathBuf> {
        self.netdrop
            .as_ref()
            .map_or_else(|| cannot("needs --netdrop"), Ok)
    }

    /// Starts the binary with the words of a line as arguments and waits until
    /// it is ready; `None` when only the witnesses speak.
    pub(crate) fn start(&self, arguments: &str) -> Result<Option<Netdrop>> {
        self.netdrop
            .as_ref()
            .map(|_| self.ready(arguments))
            .transpose()
    }

    /// Starts the binary and waits until it is ready.
    pub(crate) fn ready(&self, arguments: &str) -> Result<Netdrop> {
        let mut netdrop = Netdrop::start(self.binary()?, arguments)?;
        netdrop.wait_ready()?;
        Ok(netdrop)
    }
}
