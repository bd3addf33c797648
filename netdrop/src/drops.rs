//! What a drop means: the stage of the stack it happened at, its direction and
//! how much it matters.
//!
//! Comes in: names (a reason, a function) and what the packet looked like. Goes
//! out: an [`attribution`]. The knowledge itself is data (`netdrop/data`), held
//! by the [`catalogue`]; nothing here asks the kernel.

pub mod advice;
pub mod attribution;
pub mod catalogue;
pub mod coverage;
pub mod direction;
pub mod evidence;
pub mod explain;
pub mod frame;
pub mod hook;
pub mod nearest;
pub mod next;
pub mod reclassified;
pub mod severity;
pub mod side;
pub mod stack;
pub mod stage;
