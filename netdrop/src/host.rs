//! What the host itself knows of its network: namespaces, devices and the
//! kernel's own counters.
//!
//! Comes in: `/proc`, `/run/netns` and netlink. Goes out: names for the numbers
//! that the programs count by, and counters to hold the counts against.

pub mod addresses;
pub mod cgroups;
pub mod counters;
pub mod devices;
pub mod facts;
pub mod netfilter;
mod netlink;
pub mod netns;
mod pause;
pub mod sockets;
pub mod softnet;
