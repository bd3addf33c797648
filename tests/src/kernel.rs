//! The running kernel: its version, whether its drops carry a reason, and the
//! function that an address belongs to.

use std::{cell::RefCell, collections::BTreeMap, fs};

use anyhow::{Context as _, Result};

use crate::events::format::Format;

/// What the expectations depend on.
pub(crate) struct Kernel {
    pub(crate) release: String,
    pub(crate) version: (u32, u32),
    pub(crate) format: Format,
    symbols: RefCell<Symbols>,
}

/// Text symbols by address, and the modules that were loaded when they were read.
#[derive(Default)]
struct Symbols {
    modules: Option<String>,
    by_address: Vec<(u64, String)>,
}

impl Kernel {
    /// Reads release, trace format and symbol table of the running kernel.
    pub(crate) fn read() -> Result<Self> {
        let release = nix::sys::utsname::uname()?
            .release()
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            version: version_of(&release).with_context(|| format!("kernel release {release:?}"))?,
            format: Format::read()?,
            symbols: RefCell::default(),
            release,
        })
    }

    /// Whether `skb:kfree_skb` has the reason argument.
    pub(crate) fn has_reasons(&self) -> bool {
        self.format.reason.is_some()
    }

    /// The name that this kernel has for a reason: newer ones fall back to what
    /// stood in their place before they existed. Null without the argument.
    pub(crate) fn reason(&self, name: &'static str) -> Option<&'static str> {
        self.has_reasons().then(|| {
            let known: &BTreeMap<u32, String> = &self.format.reasons;
            if known.values().any(|known| known == name) {
                name
            } else {
                "NOT_SPECIFIED"
            }
        })
    }

    /// The function around a text address, without the compiler's suffixes.
    pub(crate) fn function(&self, address: u64) -> String {
        let symbols = &self.symbols.borrow().by_address;
        let after = symbols.partition_point(|(start, _)| *start <= address);
        match after.checked_sub(1).and_then(|index| symbols.get(index)) {
            Some((_, name)) => bare(name).to_owned(),
            None => "?".to_owned(),
        }
    }

    /// Reads the symbols again if modules have come or gone.
    pub(crate) fn refresh_symbols(&self) -> Result<()> {
        // A kernel may be built without modules.
        let modules = Some(fs::read_to_string("/proc/modules").unwrap_or_default());
        if self.symbols.borrow().modules != modules {
            let by_address = text_symbols(&fs::read_to_string("/proc/kallsyms")?);
            self.symbols.replace(Symbols {
                modules,
                by_address,
            });
        }
        Ok(())
    }
}

/// A function's name without `.constprop.0`, `.isra.0`, `.part.0` and `.cold`.
pub(crate) fn bare(name: &str) -> &str {
    [".constprop", ".isra", ".part", ".cold"]
        .iter()
        .filter_map(|suffix| name.find(suffix))
        .min()
        .map_or(name, |end| &name[..end])
}

fn version_of(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn text_symbols(kallsyms: &str) -> Vec<(u64, String)> {
    let mut symbols: Vec<_> = kallsyms
        .lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let address = u64::from_str_radix(words.next()?, 16).ok()?;
            let kind = words.next()?;
            matches!(kind, "t" | "T" | "w" | "W").then_some(())?;
            Some((address, words.next()?.to_owned()))
        })
        .collect();
    symbols.sort_unstable();
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_a_version() {
        assert_eq!(version_of("6.18.44-fc-v657"), Some((6, 18)));
        assert_eq!(version_of("7.2-rc1"), Some((7, 2)));
        assert_eq!(version_of("linux"), None);
    }

    #[test]
    fn compiler_suffixes_are_no_part_of_the_name() {
        assert_eq!(
            bare("__netif_receive_skb_core.constprop.0"),
            "__netif_receive_skb_core"
        );
        assert_eq!(bare("ip_rcv_core.isra.0.cold"), "ip_rcv_core");
        assert_eq!(bare("tcp_v4_rcv"), "tcp_v4_rcv");
    }
}
