//! Everything that talks to the kernel's tracing side: type information,
//! what to capture. Goes out: snapshots of exact counts, and events.

pub mod btf;
pub mod capture;
pub mod offsets;
pub mod snapshot;
