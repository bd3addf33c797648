//! Histograms of what was dropped and polled: which bucket a value belongs to,
//! and the memory in which a CPU counts them.

use zerocopy::{FromBytes, Immutable, KnownLayout};

/// Nanoseconds between two drops on a CPU from which on they belong to
/// different bursts.
pub const BURST_GAP: u64 = 1_000_000;

/// Up to here polls have a bucket for every number of packets: the usual budget
/// (`NAPI_POLL_WEIGHT`, include/linux/netdevice.h, 5.10 to 7.2).
const MOST_EXACT_WORK: u64 = 64;

/// Distance of the buckets of greater work from those of [`bucket`].
const WORK_SHIFT: u64 = MOST_EXACT_WORK + 1 - bucket(MOST_EXACT_WORK + 1);

/// Elements for sizes: [`bucket`] of a 32-bit value is below it.
pub const SIZE_BUCKETS: usize = 128;
/// Elements for anything else.
pub const BUCKETS: usize = 256;

const _: () = assert!(bucket(u32::MAX as u64) < SIZE_BUCKETS as u64);
const _: () = assert!(bucket(u64::MAX) < BUCKETS as u64);
const _: () = assert!(work_bucket(u64::MAX) < 2 * BUCKETS as u64);
const _: () = assert!(work_bucket(i32::MAX as u64) < BUCKETS as u64);

/// The bucket of a value: each of the first eight values has its own, and each
/// power of two above is cut into four.
#[inline(always)]
#[must_use]
pub const fn bucket(value: u64) -> u64 {
    let shift = 61 - (value | 4).leading_zeros() as u64;
    (shift << 2) + (value >> shift)
}

/// The smallest and greatest value of a bucket.
#[must_use]
pub const fn bounds(bucket: u64) -> (u64, u64) {
    if bucket < 8 {
        return (bucket, bucket);
    }
    let shift = bucket / 4 - 1;
    let from = (4 + bucket % 4) << shift;
    (from, from + ((1 << shift) - 1))
}

/// The bucket of a number of packets polled.
#[inline(always)]
#[must_use]
pub const fn work_bucket(work: u64) -> u64 {
    if work <= MOST_EXACT_WORK {
        work
    } else {
        bucket(work) + WORK_SHIFT
    }
}

/// The smallest and greatest work of a bucket.
#[must_use]
pub const fn work_bounds(bucket: u64) -> (u64, u64) {
    if bucket <= MOST_EXACT_WORK {
        return (bucket, bucket);
    }
    let (from, to) = bounds(bucket - WORK_SHIFT);
    if from <= MOST_EXACT_WORK {
        (MOST_EXACT_WORK + 1, to)
    } else {
        (from, to)
    }
}

/// The bursts of a CPU in a generation. The first and the last one may go on in
/// the generations beside it, so user space puts those together.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, KnownLayout)]
pub struct Bursts {
    /// When the first drop died, in nanoseconds of `CLOCK_MONOTONIC`; 0: none did,
    /// but for those that interrupted the program.
    pub first: u64,
    /// When the last one did.
    pub last: u64,
    /// Drops of the first burst, once another one has begun; else 0.
    pub head: u64,
    /// Drops of the burst that goes on.
    pub open: u64,
}

/// What one CPU counts in one generation.
#[repr(C)]
#[derive(FromBytes, Immutable, KnownLayout)]
pub struct CpuHistograms {
    /// Dropped skbs by bytes from the network header on.
    pub packet_size: [u64; SIZE_BUCKETS],
    /// Dropped skbs by nanoseconds since a hook saw them.
    pub age: [u64; BUCKETS],
    /// Polls by packets.
    pub napi_work: [u64; BUCKETS],
    /// Bursts that began and ended in the generation, by drops.
    pub burst: [u64; BUCKETS],
    /// Dropped skbs that no hook is known to have seen.
    pub age_unknown: u64,
    /// Polls whose result is no number of packets.
    pub napi_work_unknown: u64,
    /// The other bursts.
    pub bursts: Bursts,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every bucket begins right behind the one before, and its ends are in it.
    fn check(last: u64, bucket: fn(u64) -> u64, bounds: fn(u64) -> (u64, u64)) {
        let mut next = 0;
        for index in 0..=last {
            let (from, to) = bounds(index);
            assert_eq!(from, next, "{index}");
            assert!(from <= to, "{index}");
            assert_eq!(bucket(from), index);
            assert_eq!(bucket(to), index);
            next = to.wrapping_add(1);
        }
    }

    #[test]
    fn buckets_leave_no_gap_up_to_the_greatest_value() {
        let last = bucket(u64::MAX);
        check(last, bucket, bounds);
        assert_eq!(bounds(last).1, u64::MAX);
        check(work_bucket(u64::MAX), work_bucket, work_bounds);
    }

    #[test]
    fn a_bucket_is_at_most_a_quarter_wide() {
        assert_eq!(bounds(bucket(9)), (8, 9));
        assert_eq!(bounds(bucket(1500)), (1280, 1535));
        assert_eq!(bounds(bucket(1_000_000)), (917_504, 1_048_575));
        assert_eq!(work_bounds(work_bucket(0)), (0, 0));
        assert_eq!(work_bounds(work_bucket(64)), (64, 64));
        assert_eq!(work_bounds(work_bucket(65)), (65, 79));
        assert_eq!(work_bounds(work_bucket(300)), (256, 319));
    }
}
