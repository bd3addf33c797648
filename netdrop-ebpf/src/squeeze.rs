//! The key under which full polls are counted: which NAPI instance used its
//! whole weight on which CPU.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Entries of the table of full polls, per generation.
pub const NAPI_ENTRIES: u32 = 1024;

/// A NAPI instance on a CPU.
#[repr(C)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct NapiKey {
    /// CPU the poll ran on.
    pub cpu: u32,
    /// Interface index; 0 where the instance has no device that the host
    /// knows: a CPU's backlog, and drivers that poll for several devices.
    pub ifindex: u32,
    /// Inode number of the device's network namespace; 0 without a device.
    pub netns: u32,
    /// `napi_struct.napi_id`; 0 where the kernel gives none.
    pub napi_id: u32,
    /// Address of its poll function; 0 when unknown.
    pub poll: u64,
}

const _: () = assert!(size_of::<NapiKey>() == 24);
