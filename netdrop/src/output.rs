//! Text and JSON, and the way to the reader.
//!
//! Comes in: periods and drops, named and ready. Goes out: bytes on standard
//! output. Renderers ask nothing of the kernel; the [`sink`] writes in a thread
//! of its own so that a slow reader never delays counting.

pub mod advice;
pub mod amount;
pub mod clock;
pub mod decided;
pub mod diff;
pub mod escape;
pub mod explain;
pub mod export;
pub mod flow;
mod histogram;
pub mod html;
pub mod json;
pub mod left_out;
pub mod line;
mod page;
pub mod palette;
pub mod path;
pub mod ready;
pub mod reconcile;
pub mod render;
pub mod report;
pub mod singles;
pub mod sink;
pub mod table;
pub mod text;
mod wrap;

#[cfg(test)]
pub(crate) mod samples;
