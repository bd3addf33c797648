//! A sysctl of the whole host, put back when dropped.

use std::fs;

use anyhow::{Context as _, Result};

/// A changed sysctl that is not kept per namespace.
pub(crate) struct GlobalSysctl {
    path: String,
    before: String,
}

impl GlobalSysctl {
    /// Changes the sysctl, in the first namespace's view.
    pub(crate) fn set(key: &str, value: &str) -> Result<Self> {
        let path = format!("/proc/sys/{}", key.replace('.', "/"));
        let before = fs::read_to_string(&path).with_context(|| format!("cannot read {key}"))?;
        fs::write(&path, value).with_context(|| format!("cannot set {key} to {value}"))?;
        Ok(Self { path, before })
    }
}

impl Drop for GlobalSysctl {
    fn drop(&mut self) {
        let Self { path, before } = self;
        if let Err(error) = fs::write(&*path, before.trim()) {
            eprintln!("cannot restore {path}: {error}");
        }
    }
}
