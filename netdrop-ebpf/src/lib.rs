//! What the kernel programs and user space share: the layout of the maps, the
//! keys a drop is counted under, the ring's event and the configuration that
//! user space writes before it loads the programs.
//!
//! Everything here is `#[repr(C)]` without implicit padding, so both sides see
//! the same bytes and user space can read them with `zerocopy`.
#![no_std]
#![expect(
    clippy::inline_always,
    reason = "5.10 verifies one large function faster than calls with pointers to map values"
)]
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "naming a field of a raw pointer and accessing it are one step"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "checked conversions would add branches that the verifier has to walk"
)]
#![expect(
    clippy::cast_ptr_alignment,
    reason = "offsets inside an eight-byte aligned map value"
)]
#![expect(
    clippy::not_unsafe_ptr_arg_deref,
    reason = "a pointer to a Scratch is one to a live map value everywhere"
)]

pub mod area;
pub mod config;
pub mod discipline;
pub mod event;
pub mod filter;
pub mod flow;
pub mod headers;
pub mod histogram;
pub mod hurt;
pub mod kleene;
pub mod packet;
pub mod scratch;
pub mod site;
pub mod squeeze;
