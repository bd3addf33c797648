//! Everything that talks to the kernel's tracing side: type information,
//! symbols, loading and attaching the programs, reading the maps. Comes in:
//! what to capture. Goes out: snapshots of exact counts, and events.

mod aftermath;
pub mod allowance;
pub mod btf;
pub mod capture;
pub mod doctor;
pub mod error;
pub mod histogram;
pub mod hooks;
pub mod load;
mod messages;
pub mod offsets;
pub(crate) mod privileges;
pub mod reasons;
pub mod snapshot;
pub mod symbols;
pub(crate) mod sys;
