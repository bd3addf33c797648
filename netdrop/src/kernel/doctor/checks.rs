//! The checks, in the order in which they are shown.

use caps::Capability;

use super::{Check, Facts, Kallsyms, Types};
use crate::kernel::hooks::HookRole;

/// First version that has all netdrop needs (ring buffer, `CAP_BPF`).
const NEEDED: (u32, u32) = (5, 8);
/// First version netdrop is tested on.
const TESTED: (u32, u32) = (5, 10);
/// First version that charges maps to the control group instead of
/// `RLIMIT_MEMLOCK`.
const MAPS_IN_CGROUP: (u32, u32) = (5, 11);

/// Generous for the maps of a machine with few CPUs.
const MEMLOCK_ENOUGH: u64 = 64 << 20;

const RUN_AS_ROOT: &str = "run with sudo, or once: setcap \
     cap_bpf,cap_perfmon,cap_sys_admin,cap_sys_ptrace,cap_dac_read_search,cap_syslog=ep $(command -v netdrop)";

/// A capability, whether it is needed to watch at all, and its use.
const CAPABILITIES: [(Capability, bool, &str); 6] = [
    (
        Capability::CAP_BPF,
        true,
        "loads the programs and their maps",
    ),
    (
        Capability::CAP_PERFMON,
        true,
        "lets the programs read kernel memory and attach to tracepoints",
    ),
    (
        Capability::CAP_SYS_ADMIN,
        false,
        "enters other network namespaces for the names of their devices",
    ),
    (
        Capability::CAP_SYS_PTRACE,
        false,
        "finds the network namespaces of other users' processes",
    ),
    (
        Capability::CAP_DAC_READ_SEARCH,
        false,
        "lets trace name processes of other users that hold a receiving socket",
    ),
    (
        Capability::CAP_SYSLOG,
        false,
        "reads addresses in /proc/kallsyms, to name functions",
    ),
];

pub(super) fn all(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![version(facts), machine(facts)];
    match &facts.types {
        Ok(types) => {
            checks.push(Check::ok("BTF", "/sys/kernel/btf/vmlinux is readable").essential());
            of_types(types, &mut checks);
        }
        Err(why) => checks.push(
            Check::missing("BTF", why)
                .essential()
                .remedy("use a kernel built with CONFIG_DEBUG_INFO_BTF=y"),
        ),
    }
    capabilities(facts, &mut checks);
    checks.push(kallsyms(facts));
    checks.push(lockdown(facts));
    checks.push(jit(facts));
    checks.push(memlock(facts));
    checks
}

pub(super) fn probe(outcome: Result<(), String>) -> Check {
    const NAME: &str = "programs";
    match outcome {
        Ok(()) => Check::ok(NAME, "were loaded, attached and removed again").essential(),
        Err(why) => Check::missing(NAME, why).essential().remedy(
            "see what is missing above; in a container, its seccomp profile must allow bpf",
        ),
    }
}

fn version(facts: &Facts) -> Check {
    const NAME: &str = "kernel";
    let release = &facts.release;
    match parse(release) {
        None => Check::warn(NAME, format!("{release}: cannot tell the version")),
        Some(found) if found < NEEDED => {
            Check::missing(NAME, format!("{release} is too old: no BPF ring buffer"))
                .essential()
                .remedy("use kernel 5.10 or later")
        }
        Some(found) if found < TESTED => Check::warn(
            NAME,
            format!("{release}: netdrop is tested on 5.10 and later"),
        ),
        Some(_) => Check::ok(NAME, release),
    }
}

fn machine(facts: &Facts) -> Check {
    const NAME: &str = "architecture";
    let machine = &facts.machine;
    if cfg!(target_endian = "big") {
        return Check::missing(NAME, format!("{machine} is big-endian"))
            .essential()
            .remedy("use a little-endian machine");
    }
    match machine.as_str() {
        "x86_64" | "aarch64" => Check::ok(NAME, format!("{machine}, little-endian")),
        _ => Check::warn(NAME, format!("{machine}: netdrop is tested on x86_64")),
    }
}

fn of_types(types: &Types, checks: &mut Vec<Check>) {
    checks.push(match &types.offsets {
        Ok(()) => Check::ok("packet layout", "all members that are read were found").essential(),
        Err(why) => Check::missing("packet layout", why)
            .essential()
            .remedy("use a kernel from 5.10 on, or a newer netdrop"),
    });
    for &(hook, present) in &types.hooks {
        let check = if present {
            Check::ok(hook.name, "the kernel has it")
        } else {
            Check::missing(
                hook.name,
                format!("not in this kernel; without it {}", hook.feature),
            )
        };
        checks.push(if hook.role == HookRole::Drops {
            check.essential()
        } else {
            check
        });
    }
    let arguments = types.kfree_skb_arguments.unwrap_or_default();
    checks.push(if arguments >= 3 && !types.reasons.is_empty() {
        Check::ok("drop reasons", "the kernel gives and names them")
    } else if arguments >= 3 {
        Check::warn(
            "drop reasons",
            "the kernel gives them as numbers without names; the function stands in",
        )
    } else {
        Check::missing(
            "drop reasons",
            "not in this kernel (5.17 and later have them); the function stands in",
        )
    });
    checks.push(if arguments >= 4 {
        Check::ok("receiving socket", "the kernel names it (rx_sk)")
    } else {
        Check::missing(
            "receiving socket",
            "not in this kernel (6.11 and later have it); a packet that has left its device \
             is placed by skb_iif, or without a namespace",
        )
    });
}

fn capabilities(facts: &Facts, checks: &mut Vec<Check>) {
    let held = match &facts.capabilities {
        Ok(held) => held,
        Err(why) => {
            checks.push(Check::warn(
                "capabilities",
                format!("cannot be read: {why}"),
            ));
            return;
        }
    };
    // The kernel takes CAP_SYS_ADMIN for the two that were split off in 5.8.
    let administrator = held.contains(&Capability::CAP_SYS_ADMIN);
    for (capability, needed, used) in CAPABILITIES {
        let name = capability.to_string();
        let check = if held.contains(&capability) {
            Check::ok(name, used)
        } else if needed && administrator {
            Check::ok(name, format!("{used}; CAP_SYS_ADMIN stands in"))
        } else {
            Check::missing(name, used).remedy(RUN_AS_ROOT)
        };
        checks.push(if needed { check.essential() } else { check });
    }
    if let Some(map) = &facts.uid_map
        && !is_initial(map)
    {
        checks.push(
            Check::missing(
                "user namespace",
                "this is not the host's: its capabilities do not count for the kernel",
            )
            .essential()
            .remedy("run on the host, or in a privileged container without user namespace"),
        );
    }
}

/// Does the map say that every id is itself?
fn is_initial(uid_map: &str) -> bool {
    uid_map
        .split_ascii_whitespace()
        .eq(["0", "0", "4294967295"])
}

fn kallsyms(facts: &Facts) -> Check {
    const NAME: &str = "/proc/kallsyms";
    match &facts.kallsyms {
        Ok(Kallsyms { restricted: false }) => Check::ok(NAME, "names functions"),
        Ok(Kallsyms { restricted: true }) => Check::missing(
            NAME,
            "addresses are hidden (kernel.kptr_restrict): functions are shown as such, and \
             stages that need the function are unknown",
        )
        .remedy(
            "run with CAP_SYSLOG; with kernel.kptr_restrict=2 also sysctl kernel.kptr_restrict=1",
        ),
        Err(why) => Check::missing(NAME, why).remedy("mount /proc; CONFIG_KALLSYMS=y"),
    }
}

fn lockdown(facts: &Facts) -> Check {
    const NAME: &str = "lockdown";
    let Some(text) = &facts.lockdown else {
        return Check::ok(NAME, "not in this kernel, or securityfs is not mounted");
    };
    let active = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("unknown", |(active, _)| active);
    if active == "confidentiality" {
        Check::missing(NAME, "confidentiality: programs may not read kernel memory")
            .essential()
            .remedy("boot with lockdown=integrity or without lockdown")
    } else {
        Check::ok(NAME, active)
    }
}

fn jit(facts: &Facts) -> Check {
    const NAME: &str = "BPF JIT";
    match facts.jit.as_deref() {
        Some("0") => Check::warn(NAME, "off: every program costs several times as much")
            .remedy("sysctl net.core.bpf_jit_enable=1"),
        Some("1") => Check::ok(NAME, "on"),
        Some(_) => Check::warn(NAME, "on, with debug output to the kernel log")
            .remedy("sysctl net.core.bpf_jit_enable=1"),
        None => Check::ok(NAME, "always on, or may not be read"),
    }
}

fn memlock(facts: &Facts) -> Check {
    const NAME: &str = "map memory";
    if parse(&facts.release).is_some_and(|found| found >= MAPS_IN_CGROUP) {
        return Check::ok(NAME, "charged to the control group (memory.max)");
    }
    match facts.memlock {
        Some(limit) if limit < MEMLOCK_ENOUGH => Check::warn(
            NAME,
            format!(
                "this kernel charges maps to RLIMIT_MEMLOCK, which is {} KiB; root raises it",
                limit >> 10
            ),
        )
        .remedy("ulimit -l unlimited"),
        _ => Check::ok(NAME, "RLIMIT_MEMLOCK is high enough"),
    }
}

/// Major and minor version of a release such as `6.1.0-50-cloud-amd64`.
fn parse(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|byte: char| !byte.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
