//! From exact counts to what is shown: rows grouped by the keys of `--by`,
//! totals by severity, and the accounting that tells how sure they are.
//!
//! Comes in: a [`Snapshot`](crate::kernel::snapshot::Snapshot) per interval and
//! the [`names`] of what it counts. Goes out: a [`period::Period`] per interval
//! and one over the whole run, and for `trace` a [`packet::Drop`] per event.
//! The work is per row, never per drop.

pub mod accounting;
mod changing;
pub mod choose;
pub mod circumstances;
pub(crate) mod consequences;
mod device;
pub mod group;
pub mod harm;
pub mod headers;
pub mod histogram;
pub mod intern;
pub mod key;
pub mod left_out;
pub mod names;
pub mod packet;
pub mod period;
pub mod protocol;
pub mod rank;
pub mod regroup;
pub mod row;
pub mod sampled;
pub mod sheet;
pub mod show;
pub mod site;
pub mod squeeze;
pub mod stack;
pub mod sums;
