//! The witness that is not netdrop: `skb:kfree_skb` read from tracefs through an
//! instance of its own, counted by function and reason.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result};

use crate::kernel::Kernel;

pub(crate) mod format;
mod page;

const TRACING: &str = "/sys/kernel/tracing";

/// What the trace has shown.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Drops by function (without compiler suffixes) and reason; the reason is
    /// `None` on a kernel without the argument.
    pub(crate) drops: BTreeMap<(String, Option<String>), u64>,
    /// Whether the ring overflowed, as it does when somebody floods the host.
    pub(crate) lost: bool,
}

/// An enabled tracefs instance. Removed when dropped.
pub(crate) struct Events<'a> {
    kernel: &'a Kernel,
    instance: PathBuf,
    pipes: Vec<File>,
    tally: Tally,
}

impl<'a> Events<'a> {
    /// Makes the instance and switches the event on.
    pub(crate) fn start(kernel: &'a Kernel) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "netdrop-tests-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        kernel.refresh_symbols()?;
        let instance = Path::new(TRACING).join("instances").join(name);
        fs::create_dir(&instance)
            .with_context(|| format!("cannot make a trace instance {}", instance.display()))?;
        let mut events = Self {
            kernel,
            instance,
            pipes: Vec::new(),
            tally: Tally::default(),
        };
        fs::write(events.instance.join("buffer_size_kb"), "4096")?;
        for cpu in fs::read_dir(events.instance.join("per_cpu"))? {
            events.pipes.push(
                OpenOptions::new()
                    .read(true)
                    .custom_flags(libc::O_NONBLOCK)
                    .open(cpu?.path().join("trace_pipe_raw"))?,
            );
        }
        fs::write(events.instance.join("events/skb/kfree_skb/enable"), "1")
            .context("cannot enable skb:kfree_skb")?;
        Ok(events)
    }

    /// Takes in what has happened since the last call.
    pub(crate) fn tally(&mut self) -> Result<&Tally> {
        let Self {
            kernel,
            pipes,
            tally,
            ..
        } = self;
        let mut buffer = vec![0; 64 * 1024];
        for pipe in pipes {
            loop {
                match pipe.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(length) => count(&buffer[..length], kernel, tally)?,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error).context("trace_pipe_raw"),
                }
            }
        }
        Ok(tally)
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        let Self {
            instance, pipes, ..
        } = self;
        pipes.clear();
        if let Err(error) = fs::remove_dir(&*instance) {
            eprintln!("cannot remove {}: {error}", instance.display());
        }
    }
}

fn count(bytes: &[u8], kernel: &Kernel, tally: &mut Tally) -> Result<()> {
    let page = page::Page::new(bytes, &kernel.format.page)?;
    tally.lost |= page.lost();
    for record in page {
        let Some(drop) = kernel.format.drop(record?) else {
            continue;
        };
        let function = kernel.function(drop.location);
        let reason = drop.reason.map(|number| kernel.format.reason_name(number));
        *tally.drops.entry((function, reason)).or_default() += 1;
    }
    Ok(())
}
