//! The filter, held against tcpdump and against itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dice;
mod differential;
mod expressions;
mod frames;
mod memory;
mod names;
mod properties;
mod quoting;
mod recorded;
mod refusals;
mod slips;
mod tcpdump;
