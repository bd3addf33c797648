//! The terminal interface of `watch`.
//!
//! Comes in: a snapshot per interval, events, and keys. [`state`] is what is
//! known and what is looked at; [`view`] turns it into characters and asks
//! nothing of anybody; [`screen`] owns the terminal and gives it back. Whoever
//! runs the interface (`cli`) carries out the [`state::Action`]s that keys ask
//! for.

pub mod clipboard;
pub mod pen;
pub mod player;
pub mod screen;
pub mod speed;
pub mod state;
pub mod theme;
pub mod view;
