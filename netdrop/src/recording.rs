//! Recordings: files that hold what was counted, interval by interval, with
//! everything needed to show it again.
//!
//! Comes in: a [`Snapshot`](crate::kernel::snapshot::Snapshot) per interval and
//! the [`Names`](crate::tally::names::Names) of what it counts. Goes out: a file
//! that any reader of Arrow streams opens, and from such a file the same
//! snapshots and names again, so that everything that shows what is counted now
//! shows what was counted then.

pub mod anonymize;
mod checksum;
mod columns;
mod connection;
mod count;
pub mod diff;
pub mod event;
pub mod filtered;
pub mod fleet;
mod frame;
pub mod header;
mod histogram;
mod names;
pub mod read;
pub mod reconcile;
pub mod replay;
pub mod report;
mod significance;
mod sound;
pub mod table;
pub mod write;

#[cfg(test)]
mod tests;
