//! What the checks judge.

use std::{collections::HashSet, fs};

use caps::{CapSet, Capability};
use nix::sys::{
    resource::{RLIM_INFINITY, Resource, getrlimit},
    utsname::{UtsName, uname},
};

use crate::kernel::{
    btf::Btf,
    hooks::{HOOKS, Hook},
    offsets::offsets,
    reasons::ReasonNames,
    symbols::Symbols,
};

/// What was found on the host. `Err` holds why something could not be found.
#[derive(Clone, Debug)]
pub struct Facts {
    /// `uname -r`.
    pub release: String,
    /// `uname -m`.
    pub machine: String,
    /// The kernel's types.
    pub types: Result<Types, String>,
    /// Effective capabilities of this process.
    pub capabilities: Result<HashSet<Capability>, String>,
    /// `/proc/self/uid_map`.
    pub uid_map: Option<String>,
    /// `/proc/kallsyms`.
    pub kallsyms: Result<Kallsyms, String>,
    /// `/sys/kernel/security/lockdown`.
    pub lockdown: Option<String>,
    /// `net.core.bpf_jit_enable`.
    pub jit: Option<String>,
    /// Soft `RLIMIT_MEMLOCK` in bytes; `None` is unlimited.
    pub memlock: Option<u64>,
}

/// What the kernel's types tell.
#[derive(Clone, Debug)]
pub struct Types {
    /// Hooks, and whether the kernel has them.
    pub hooks: Vec<(&'static Hook, bool)>,
    /// Arguments of `skb:kfree_skb`.
    pub kfree_skb_arguments: Option<usize>,
    /// Why a packet could not be read.
    pub offsets: Result<(), String>,
    /// Names of the kernel's drop reasons, those of loaded modules included.
    pub reasons: Vec<String>,
}

/// Whether addresses can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kallsyms {
    /// All addresses are hidden.
    pub restricted: bool,
}

impl Facts {
    /// Looks at this host.
    #[must_use]
    pub fn gather() -> Self {
        let system = uname().ok();
        let text = |value: Option<&std::ffi::OsStr>| {
            value.map_or_else(
                || "unknown".to_owned(),
                |value| value.to_string_lossy().into_owned(),
            )
        };
        Self {
            release: text(system.as_ref().map(UtsName::release)),
            machine: text(system.as_ref().map(UtsName::machine)),
            types: Btf::vmlinux()
                .map(|btf| Types::of(&btf))
                .map_err(|error| error.to_string()),
            capabilities: caps::read(None, CapSet::Effective)
                .map(|found| found.into_iter().collect())
                .map_err(|error| error.to_string()),
            uid_map: read("/proc/self/uid_map"),
            kallsyms: Symbols::load()
                .map(|symbols| Kallsyms {
                    restricted: symbols.is_restricted(),
                })
                .map_err(|error| error.to_string()),
            lockdown: read("/sys/kernel/security/lockdown"),
            jit: read("/proc/sys/net/core/bpf_jit_enable"),
            memlock: getrlimit(Resource::RLIMIT_MEMLOCK)
                .ok()
                .map(|(soft, _)| soft)
                .filter(|&soft| soft != RLIM_INFINITY),
        }
    }
}

impl Types {
    /// Takes from the types what the checks need.
    #[must_use]
    pub fn of(btf: &Btf<'_>) -> Self {
        Self {
            hooks: HOOKS
                .iter()
                .map(|hook| (hook, btf.has_tracepoint(hook.tracepoint())))
                .collect(),
            kfree_skb_arguments: btf.tracepoint_arguments("kfree_skb"),
            offsets: offsets(btf).map(|_| ()).map_err(|error| error.to_string()),
            reasons: ReasonNames::load(btf)
                .iter()
                .map(|(_, name)| name.to_owned())
                .collect(),
        }
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path)
        .ok()
        .map(|text| text.trim().to_owned())
}
