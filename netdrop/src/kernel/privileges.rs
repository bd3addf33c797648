//! Capabilities: what is needed to start is given up once it is done.

use caps::{CapSet, Capability, CapsHashSet};

/// What naming devices and namespaces of others takes, all the time.
const KEPT: [Capability; 2] = [Capability::CAP_SYS_ADMIN, Capability::CAP_SYS_PTRACE];

/// What naming the processes that hold sockets takes besides: the list of
/// another user's open files.
const FOR_SOCKETS: Capability = Capability::CAP_DAC_READ_SEARCH;

/// The limit of locked memory, which maps count against up to 5.10.
const FOR_MEMORY: Capability = Capability::CAP_SYS_RESOURCE;

/// What loading and attaching take, and reading the kernel's symbols.
const TO_LOAD: [Capability; 3] = [
    Capability::CAP_BPF,
    Capability::CAP_PERFMON,
    Capability::CAP_SYSLOG,
];

/// Gives up every capability of this thread that neither counting nor loading
/// again needs; threads started later have no more.
///
/// Failing to give something up is no reason to stop.
pub(super) fn drop_unrelated() {
    let Ok(permitted) = caps::read(None, CapSet::Permitted) else {
        return;
    };
    let needed = |capability: &Capability| {
        KEPT.contains(capability)
            || TO_LOAD.contains(capability)
            || *capability == FOR_SOCKETS
            || *capability == FOR_MEMORY
    };
    let kept: CapsHashSet = permitted.into_iter().filter(needed).collect();
    let _ = caps::set(None, CapSet::Effective, &kept);
    let _ = caps::set(None, CapSet::Inheritable, &CapsHashSet::new());
    let _ = caps::set(None, CapSet::Permitted, &kept);
}

/// Gives up every capability of this thread that reading counts and names does
/// not need; threads started later have no more. `sockets`: holders of sockets
/// are to be named. `works` tries to use the maps: up to 5.18 that still takes
/// `CAP_BPF`.
///
/// Failing to give something up is no reason to stop.
pub(super) fn drop_unneeded(sockets: bool, works: &dyn Fn() -> bool) {
    let Ok(permitted) = caps::read(None, CapSet::Permitted) else {
        return;
    };
    let kept: CapsHashSet = permitted
        .iter()
        .copied()
        .filter(|capability| KEPT.contains(capability) || (sockets && *capability == FOR_SOCKETS))
        .collect();
    if caps::set(None, CapSet::Effective, &kept).is_err() {
        return;
    }
    let mut kept = kept;
    if !works() && permitted.contains(&Capability::CAP_BPF) {
        kept.insert(Capability::CAP_BPF);
        let _ = caps::set(None, CapSet::Effective, &kept);
    }
    let _ = caps::set(None, CapSet::Inheritable, &CapsHashSet::new());
    let _ = caps::set(None, CapSet::Permitted, &kept);
}

/// Gives up every capability of this thread but those that naming devices and
/// namespaces of others takes.
pub(crate) fn keep_naming() {
    drop_unneeded(false, &|| true);
}
