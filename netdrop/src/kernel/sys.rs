//! The only `unsafe` of user space: system calls and memory that no library
//! wraps for us.

pub(crate) mod clock;
pub(crate) mod ethtool;
pub(crate) mod namespace;
pub(crate) mod socket;

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
    ptr::NonNull,
    sync::atomic::{AtomicU32, Ordering},
};

use netdrop_ebpf::area::Control;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `enum bpf_cmd` (include/uapi/linux/bpf.h).
const BPF_MAP_CREATE: libc::c_int = 0;
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
const BPF_MAP_LOOKUP_BATCH: libc::c_int = 24;
const BPF_MAP_LOOKUP_AND_DELETE_BATCH: libc::c_int = 25;
const BPF_MAP_DELETE_BATCH: libc::c_int = 27;

const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_MAP_TYPE_ARRAY_OF_MAPS: u32 = 12;

/// Calls bpf(2) with one member of `union bpf_attr`.
fn bpf<A: IntoBytes + FromBytes + Immutable + KnownLayout>(
    command: libc::c_int,
    attr: &mut A,
) -> io::Result<i32> {
    // SAFETY: `attr` is a plain structure of the given size; the pointers in
    // it are set by the callers below to buffers that outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attr),
            size_of::<A>(),
        )
    };
    i32::try_from(result)
        .ok()
        .filter(|result| *result >= 0)
        .ok_or_else(io::Error::last_os_error)
}

/// A memory-mapped array map of `T`.
struct Mapped<T> {
    start: NonNull<T>,
    entries: usize,
}

// SAFETY: the mapping belongs to this value alone, and what the kernel writes
// is guarded by the rules of each accessor.
unsafe impl<T> Send for Mapped<T> {}

impl<T> Mapped<T> {
    /// Maps all entries of an array map whose values are `T` (a multiple of 8
    /// bytes, so entries stand side by side).
    fn new(map: BorrowedFd<'_>, entries: usize) -> io::Result<Self> {
        const { assert!(size_of::<T>().is_multiple_of(8)) };
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<T>() * entries,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { start, entries })
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and nothing
        // borrowed from it outlives `self`.
        let _ = unsafe { libc::munmap(self.start.as_ptr().cast(), size_of::<T>() * self.entries) };
    }
}

/// A mapped array of what CPUs count: `AREAS` or `HISTOGRAMS`.
pub(super) struct MappedAreas<T>(Mapped<T>);

impl<T: FromBytes> MappedAreas<T> {
    pub(super) fn new(map: BorrowedFd<'_>, entries: usize) -> io::Result<Self> {
        Mapped::new(map, entries).map(Self)
    }

    /// An area that no program counts into: its generation was left and every
    /// program that started before has ended.
    pub(super) fn retired(&mut self, index: usize) -> &mut T {
        assert!(index < self.0.entries, "area {index} does not exist");
        // SAFETY: the index is in range.
        let area = unsafe { self.0.start.as_ptr().add(index) };
        // SAFETY: `T` is valid for any bytes; the kernel does not write a
        // retired generation, and `&mut self` keeps this the only borrow.
        unsafe { &mut *area }
    }
}

/// The mapped `CONTROL`.
pub(super) struct MappedControl(Mapped<Control>);

impl MappedControl {
    pub(super) fn new(map: BorrowedFd<'_>) -> io::Result<Self> {
        Mapped::new(map, 1).map(Self)
    }

    /// Tells programs that start from now on where to count.
    pub(super) fn set_generation(&self, generation: u32) {
        // SAFETY: the field of a live mapping.
        let word = unsafe { &raw mut (*self.0.start.as_ptr()).generation };
        // SAFETY: aligned, live, and only ever accessed as a single word.
        unsafe { AtomicU32::from_ptr(word) }.store(generation, Ordering::SeqCst);
    }

    /// Tells programs how many events each CPU may send in this generation.
    pub(super) fn allow(&self, events: u32) {
        // SAFETY: the field of a live mapping.
        let word = unsafe { &raw mut (*self.0.start.as_ptr()).allowance };
        // SAFETY: aligned, live, and only ever accessed as a single word.
        unsafe { AtomicU32::from_ptr(word) }.store(events, Ordering::SeqCst);
    }

    /// Sets everything; the caller starts a new generation afterwards.
    pub(super) fn set(&mut self, control: Control) {
        // SAFETY: a live mapping; programs only read it, and what they do with
        // a half-written range is discarded with their generation.
        unsafe { self.0.start.as_ptr().write_volatile(control) };
    }
}

/// Gives memory that was used only for starting (the kernel's type
/// information, parsed) back to the system.
pub(super) fn release_memory() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: touches nothing but the allocator's free memory.
        let _ = unsafe { libc::malloc_trim(0) };
    }
}

#[repr(C)]
#[derive(Default, IntoBytes, FromBytes, Immutable, KnownLayout)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
}

#[repr(C)]
#[derive(Default, IntoBytes, FromBytes, Immutable, KnownLayout)]
struct MapElement {
    map_fd: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default, IntoBytes, FromBytes, Immutable, KnownLayout)]
struct MapBatch {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

fn create_map(map_type: u32, inner: u32) -> io::Result<OwnedFd> {
    let fd = bpf(
        BPF_MAP_CREATE,
        &mut MapCreate {
            map_type,
            key_size: 4,
            value_size: 4,
            max_entries: 1,
            map_flags: 0,
            inner_map_fd: inner,
        },
    )?;
    // SAFETY: the call succeeded, so this is a new descriptor nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Waits until every program that runs now has ended. The kernel promises that
/// for an update of a map of maps (`maybe_wait_bpf_programs`,
/// kernel/bpf/syscall.c, 4.18 to 7.2); membarrier(2) would do the same but
/// refuses on hosts with `nohz_full`.
pub(super) struct Grace {
    outer: OwnedFd,
    inner: OwnedFd,
}

impl Grace {
    pub(super) fn new() -> io::Result<Self> {
        let inner = create_map(BPF_MAP_TYPE_ARRAY, 0)?;
        let outer = create_map(BPF_MAP_TYPE_ARRAY_OF_MAPS, raw(&inner))?;
        Ok(Self { outer, inner })
    }

    pub(super) fn wait(&self) -> io::Result<()> {
        let key = 0_u32;
        let value = raw(&self.inner);
        bpf(
            BPF_MAP_UPDATE_ELEM,
            &mut MapElement {
                map_fd: raw(&self.outer),
                padding: 0,
                key: address(&key),
                value: address(&value),
                flags: 0,
            },
        )?;
        Ok(())
    }
}

fn raw(fd: &OwnedFd) -> u32 {
    fd.as_raw_fd().unsigned_abs()
}

fn address<T>(of: &T) -> u64 {
    std::ptr::from_ref(of).addr() as u64
}

/// Takes every entry out of a hash and gives it to `each`.
pub(super) fn drain<K, V>(map: BorrowedFd<'_>, each: impl FnMut(&K, &V)) -> io::Result<()>
where
    K: FromBytes + Immutable + Default + Copy,
    V: FromBytes + Immutable + Default + Copy,
{
    walk(BPF_MAP_LOOKUP_AND_DELETE_BATCH, map, each)
}

/// Gives every entry of a hash to `each`. Those that are made or removed
/// meanwhile may be missed.
pub(super) fn read<K, V>(map: BorrowedFd<'_>, each: impl FnMut(&K, &V)) -> io::Result<()>
where
    K: FromBytes + Immutable + Default + Copy,
    V: FromBytes + Immutable + Default + Copy,
{
    walk(BPF_MAP_LOOKUP_BATCH, map, each)
}

/// Removes entries that are there from a hash.
pub(super) fn remove<K: IntoBytes + Immutable>(map: BorrowedFd<'_>, keys: &[K]) -> io::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    bpf(
        BPF_MAP_DELETE_BATCH,
        &mut MapBatch {
            keys: keys.as_ptr().addr() as u64,
            count: u32::try_from(keys.len()).unwrap_or(u32::MAX),
            map_fd: map.as_raw_fd().unsigned_abs(),
            ..MapBatch::default()
        },
    )
    .map(drop)
}

fn walk<K, V>(
    command: libc::c_int,
    map: BorrowedFd<'_>,
    mut each: impl FnMut(&K, &V),
) -> io::Result<()>
where
    K: FromBytes + Immutable + Default + Copy,
    V: FromBytes + Immutable + Default + Copy,
{
    const CHUNK: u32 = 4096;
    let mut keys = vec![K::default(); CHUNK as usize];
    let mut values = vec![V::default(); CHUNK as usize];
    let mut position = 0_u32;
    let mut first = true;
    loop {
        let mut next = 0_u32;
        let mut attr = MapBatch {
            in_batch: if first { 0 } else { address(&position) },
            out_batch: std::ptr::from_mut(&mut next).addr() as u64,
            keys: keys.as_mut_ptr().addr() as u64,
            values: values.as_mut_ptr().addr() as u64,
            count: CHUNK,
            map_fd: map.as_raw_fd().unsigned_abs(),
            elem_flags: 0,
            flags: 0,
        };
        let result = bpf(command, &mut attr);
        let end = match result {
            Ok(_) => false,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
            Err(error) => return Err(error),
        };
        let count = attr.count.min(CHUNK) as usize;
        for (key, value) in keys[..count].iter().zip(&values[..count]) {
            each(key, value);
        }
        if end {
            return Ok(());
        }
        position = next;
        first = false;
    }
}
