//! From the running kernel's type information to loaded programs.

use std::os::fd::{AsFd as _, BorrowedFd};

use aya::{
    Ebpf, EbpfLoader, VerifierLogLevel,
    maps::{Map, MapData, RingBuf},
    programs::{BtfTracePoint, ProgramError},
};
use netdrop_ebpf::{
    area::GENERATIONS,
    config::{EMIT_ALL, EMIT_HINTS, EMIT_NONE, EMIT_SOME, Features},
    hurt::HURT_ENTRIES,
};
use zerocopy::IntoBytes as _;

use super::{
    btf::Btf,
    capture::{CaptureConfig, Emit, HookStatus},
    error::CaptureError,
    hooks::{HOOKS, Hook, HookRole},
    offsets::offsets,
    symbols::Symbols,
    sys::release_memory,
};

/// The object that `build.rs` made of netdrop-ebpf.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/netdrop-ebpf"));

/// `THREAD_SIZE` of `x86_64` kernels without KASAN: 16 KiB
/// (arch/x86/include/asm/`page_64_types.h`). The programs know only their saved
/// registers, so elsewhere no sender is named.
const THREAD_SIZE: u32 = if cfg!(target_arch = "x86_64") {
    16 * 1024
} else {
    0
};

/// Kernels with this tracepoint tell which qdisc drops.
const QDISC_DROP: &str = "qdisc_drop";

/// The running kernel's type information: all of it as we read it, and for aya
/// that of the tracepoints it attaches to. Aya's own reading takes many times the
/// memory.
pub struct Types {
    ours: Btf<'static>,
    ayas: aya::Btf,
    /// Until it is used. A new one reads everything once, whoever wants that.
    loader: Option<EbpfLoader<'static>>,
}

impl Types {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// When the kernel has none.
    pub fn read() -> Result<Self, CaptureError> {
        let mut loader = EbpfLoader::new();
        loader.btf(None);
        // Before ours is read, so that both are never there at once.
        release_memory();
        let ours = Btf::vmlinux()?;
        let tracepoints = HOOKS.iter().map(Hook::tracepoint);
        #[expect(clippy::default_trait_access, reason = "aya does not export its type")]
        let endianness = Default::default();
        let ayas = aya::Btf::parse(&ours.excerpt(tracepoints), endianness)
            .map_err(|source| CaptureError::Types(source.to_string()))?;
        Ok(Self {
            ours,
            ayas,
            loader: Some(loader),
        })
    }

    fn loader(&mut self) -> EbpfLoader<'static> {
        self.loader.take().unwrap_or_else(|| {
            let mut loader = EbpfLoader::new();
            loader.btf(None);
            loader
        })
    }

    /// Our reading.
    #[must_use]
    pub fn btf(&self) -> &Btf<'static> {
        &self.ours
    }
}

/// Programs and maps in the kernel.
pub(super) struct Loaded {
    pub(super) ebpf: Ebpf,
    pub(super) hooks: Vec<HookStatus>,
    /// Does `tcp:tcp_send_reset` tell of every RST?
    pub(super) all_resets: bool,
    pub(super) cpus: usize,
}

impl Loaded {
    pub(super) fn map(&self, name: &'static str) -> Result<&MapData, CaptureError> {
        match self.ebpf.map(name) {
            Some(Map::Array(data) | Map::HashMap(data)) => Ok(data),
            _ => Err(CaptureError::Object(name)),
        }
    }

    pub(super) fn map_fd(&self, name: &'static str) -> Result<BorrowedFd<'_>, CaptureError> {
        self.map(name).map(|data| data.fd().as_fd())
    }

    pub(super) fn ring(&mut self) -> Result<RingBuf<MapData>, CaptureError> {
        self.ebpf
            .take_map("EVENTS")
            .and_then(|map| RingBuf::try_from(map).ok())
            .ok_or(CaptureError::Object("EVENTS"))
    }
}

/// Loads every program the kernel has a tracepoint for; attaches none.
pub(super) fn load(
    config: &CaptureConfig,
    types: &mut Types,
    symbols: &Symbols,
) -> Result<Loaded, CaptureError> {
    let mut loader: EbpfLoader<'_> = types.loader();
    let Types {
        ours: btf, ayas, ..
    } = &*types;
    let arguments = btf
        .tracepoint_arguments("kfree_skb")
        .ok_or(CaptureError::NoTracepoint)?;
    let offsets = offsets(btf)?;
    let cpus = possible_cpus()?;
    let cpu_count = u32::try_from(cpus).unwrap_or(u32::MAX);
    let reason = |name| {
        btf.enumerators("skb_drop_reason")?
            .into_iter()
            .find(|(known, _)| known.strip_prefix("SKB_DROP_REASON_") == Some(name))
            .and_then(|(_, value)| u32::try_from(value).ok())
    };
    let device_flag = |name| {
        btf.enumerators("netdev_priv_flags")?
            .into_iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, value)| u32::try_from(value).ok())
    };
    let features = Features {
        kfree_skb_args: u32::try_from(arguments).unwrap_or(u32::MAX),
        flows: u32::from(config.flows.is_some()),
        consequences: u32::from(config.flows.is_some()),
        emit: match config.emit {
            Emit::Nothing => EMIT_NONE,
            Emit::Hints => EMIT_HINTS,
            Emit::Some(_) => EMIT_SOME,
            Emit::All => EMIT_ALL,
        },
        stack: u32::from(config.stack),
        stack_key: u32::from(config.stacks.is_some()),
        cgroups: u32::from(btf.member("task_struct", "cgroups").is_some()),
        qdiscs: u32::from(btf.has_tracepoint(QDISC_DROP)),
        headers: u32::from(config.headers),
        histograms: u32::from(config.histograms),
        tags: u32::from(!config.lite),
        // Not static since the commit that guards tracepoints (6.1).
        guarded: u32::from(symbols.range("bpf_prog_inc_misses_counter").is_some()),
        cpus: cpu_count,
        thread_size: THREAD_SIZE,
        reason_not_specified: reason("NOT_SPECIFIED").unwrap_or(u32::MAX),
        reason_netfilter: reason("NETFILTER_DROP").unwrap_or(u32::MAX),
        bridge_flag: device_flag("IFF_EBRIDGE").unwrap_or(0),
        bridge_port_flag: device_flag("IFF_BRIDGE_PORT").unwrap_or(0),
    };
    let flows = config.flows.unwrap_or(1);
    let generations = u32::try_from(GENERATIONS).unwrap_or(2);

    let mut ebpf = loader
        .verifier_log_level(verifier_log_level())
        .override_global("OFFSETS", offsets.as_bytes(), true)
        .override_global("FEATURES", features.as_bytes(), true)
        .override_global("RULES", config.rules.as_bytes(), true)
        .map_max_entries("AREAS", generations * cpu_count)
        .map_max_entries(
            "HISTOGRAMS",
            if config.histograms {
                generations * cpu_count
            } else {
                1
            },
        )
        .map_max_entries("TAGS", cpu_count)
        .map_max_entries("SCRATCH", cpu_count)
        .map_max_entries("QDISCS", if features.qdiscs == 0 { 1 } else { cpu_count })
        .map_max_entries("FLOWS_0", flows)
        .map_max_entries("FLOWS_1", flows)
        .map_max_entries("HURT", flows.min(HURT_ENTRIES))
        .map_max_entries("EVENTS", config.ring_bytes)
        .map_max_entries("STACKS", config.stacks.unwrap_or(1))
        .load(OBJECT)
        .map_err(|error| CaptureError::Load(error.into()))?;

    let mut hooks = Vec::with_capacity(HOOKS.len());
    for hook in HOOKS {
        hooks.push(HookStatus {
            name: hook.name,
            attached: false,
            why: why_not(config, btf, hook),
        });
        if hooks.last().is_some_and(|status| status.why.is_none()) {
            program(&mut ebpf, hook.tracepoint())?
                .load(hook.tracepoint(), ayas)
                .map_err(|error| refused(hook, error))?;
        }
    }
    Ok(Loaded {
        ebpf,
        hooks,
        // It came to tell of RSTs without a socket together with its reason.
        all_resets: btf
            .tracepoint_arguments("tcp_send_reset")
            .is_some_and(|arguments| arguments >= 3),
        cpus,
    })
}

/// An attached program that does nothing, to measure what attaching costs.
pub struct Empty {
    _ebpf: Ebpf,
}

impl Empty {
    /// Attaches it to `skb:kfree_skb`, until the value is dropped.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn attach() -> Result<Self, CaptureError> {
        let mut types = Types::read()?;
        let mut ebpf = types
            .loader()
            .map_max_entries("FLOWS_0", 1)
            .map_max_entries("FLOWS_1", 1)
            .map_max_entries("HURT", 1)
            .load(OBJECT)
            .map_err(|error| CaptureError::Load(error.into()))?;
        let hook = &HOOKS[0];
        let program = program(&mut ebpf, "empty")?;
        program
            .load(hook.tracepoint(), &types.ayas)
            .map_err(|error| refused(hook, error))?;
        program.attach().map_err(|error| refused(hook, error))?;
        Ok(Self { _ebpf: ebpf })
    }
}

/// Aya asks for a log only after a refusal, and with none at all the kernel
/// would answer that second try with EINVAL whatever the reason was. With
/// `NETDROP_VERIFIER_LOG` set the error carries the verifier's whole log.
fn verifier_log_level() -> VerifierLogLevel {
    if std::env::var_os("NETDROP_VERIFIER_LOG").is_some() {
        VerifierLogLevel::DEBUG | VerifierLogLevel::STATS
    } else {
        VerifierLogLevel::STATS
    }
}

/// Highest possible CPU number plus one, from a list such as `0-3,8-11`.
///
/// # Errors
///
/// When the kernel's list cannot be read.
pub fn possible_cpus() -> Result<usize, CaptureError> {
    const FILE: &str = "/sys/devices/system/cpu/possible";
    let list = std::fs::read_to_string(FILE)
        .map_err(|source| CaptureError::Cpus { file: FILE, source })?;
    Ok(highest(&list).map_or(1, |highest| highest + 1))
}

fn highest(list: &str) -> Option<usize> {
    list.trim()
        .split([',', '-'])
        .filter_map(|number| number.parse().ok())
        .max()
}

/// Attaches what was loaded, the drop itself last, so that the rest is ready
/// for it.
pub(super) fn attach(loaded: &mut Loaded) -> Result<(), CaptureError> {
    for (hook, status) in HOOKS.iter().zip(&mut loaded.hooks).rev() {
        if status.why.is_some() {
            continue;
        }
        program(&mut loaded.ebpf, hook.tracepoint())?
            .attach()
            .map_err(|error| refused(hook, error))?;
        status.attached = true;
    }
    Ok(())
}

fn why_not(config: &CaptureConfig, btf: &Btf<'_>, hook: &Hook) -> Option<String> {
    if config.lite && hook.role == HookRole::PerPacket {
        return Some("left out by --lite".to_owned());
    }
    if !btf.has_tracepoint(hook.tracepoint()) {
        return Some(format!(
            "this kernel has no such tracepoint; {}",
            hook.feature
        ));
    }
    None
}

fn program<'e>(
    ebpf: &'e mut Ebpf,
    name: &'static str,
) -> Result<&'e mut BtfTracePoint, CaptureError> {
    ebpf.program_mut(name)
        .and_then(|program| program.try_into().ok())
        .ok_or(CaptureError::Object(name))
}

fn refused(hook: &Hook, error: ProgramError) -> CaptureError {
    CaptureError::Refused {
        hook: hook.name,
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::highest;

    #[test]
    fn possible_cpus_may_have_gaps() {
        assert_eq!(highest("0-3,8-11\n"), Some(11));
        assert_eq!(highest("0\n"), Some(0));
        assert_eq!(highest(""), None);
    }
}
