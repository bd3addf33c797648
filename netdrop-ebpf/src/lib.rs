//! What the kernel programs and user space share: the layout of the maps, the
//! keys a drop is counted under, the ring's event and the configuration that
//! user space writes before it loads the programs.
//!
//! Everything here is `#[repr(C)]` without implicit padding, so both sides see
//! the same bytes and user space can read them with `zerocopy`.
#![no_std]

pub mod area;
pub mod config;
pub mod discipline;
pub mod event;
pub mod flow;
pub mod hurt;
pub mod site;
pub mod squeeze;
