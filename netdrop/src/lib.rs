//! netdrop: where each packet died, why, and what to do next.
//!
//! Data flows one way: [`kernel`] (programs, maps, names) → [`drops`] (the
//! model) → [`tally`] (rows and totals) → [`output`]; [`host`] knows devices,
//! namespaces and the kernel's own counters, which [`path`] puts in the order of
//! the stages and [`reconcile`] holds against the drops; [`filter`] chooses drops; [`recording`] keeps what was counted and
//! gives it back; [`cli`] ties them together.

pub mod cli;
pub mod drops;
pub mod filter;
pub mod host;
pub mod kernel;
pub mod output;
pub mod path;
pub mod reconcile;
pub mod recording;
pub mod tally;
pub mod tui;
