//! Files that were cut off, damaged, or made up.

use super::{
    header,
    made::{Numbers, snapshots},
    record, replayed, view,
};
use crate::recording::read::{End, OpenError, Recording};

#[test]
fn a_file_cut_at_any_byte_reads_back_up_to_its_last_whole_interval() {
    cut(&record(&snapshots(1, 3), &header()), 1);
    cut(&record(&snapshots(4, 4), &header()), 61);
}

pub(super) fn cut(bytes: &[u8], step: usize) {
    let mut ends = Vec::new();
    let mut recording = Recording::open(bytes).unwrap();
    while recording.next_interval().is_some() {
        ends.push(recording.bytes());
    }
    let mut opened = false;
    for cut in (0..bytes.len()).step_by(step) {
        match Recording::open(&bytes[..cut]) {
            Err(error) => {
                assert!(
                    matches!(error, OpenError::Empty) && !opened,
                    "{cut}: {error}"
                );
            }
            Ok(mut recording) => {
                opened = true;
                let mut intervals = 0;
                while recording.next_interval().is_some() {
                    intervals += 1;
                }
                let whole = ends.iter().filter(|end| **end <= cut as u64).count();
                assert_eq!(intervals, whole, "cut at {cut}");
                assert!(matches!(recording.end(), Some(End::Cut(_))), "cut at {cut}");
            }
        }
    }
}

/// Reads all there is, and shows it.
fn read(bytes: &[u8]) {
    if let Ok(recording) = Recording::open(bytes) {
        replayed(recording, &view("flow,stage,reason,function,device"));
    }
}

#[test]
fn no_damage_makes_the_reader_panic() {
    let whole = record(&snapshots(2, 9), &header());
    let mut numbers = Numbers(99);
    for _ in 0..1500 {
        let mut bytes = whole.clone();
        for _ in 0..=numbers.next(4) {
            let at = usize::try_from(numbers.next(bytes.len() as u64)).unwrap();
            match numbers.next(4) {
                0 => bytes[at] ^= 1 << numbers.next(8),
                1 => bytes[at] = numbers.one(&[0, 0x7f, 0x80, 0xff]),
                2 => {
                    let end = (at + 8).min(bytes.len());
                    let value = numbers.one(&[u64::MAX, i64::MAX as u64, 1 << 31, 0, 1 << 40]);
                    bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
                }
                _ => {
                    bytes.remove(at);
                }
            }
        }
        read(&bytes);
    }
}

#[test]
fn lengths_that_the_file_does_not_hold_take_no_memory() {
    let whole = record(&snapshots(1, 9), &header());
    // The length of every message and of every buffer.
    for value in [i32::MAX, i32::MIN, -1, 1 << 24] {
        for at in (4..whole.len() - 4).step_by(4) {
            let near = whole[at - 4..at] == [0xff; 4];
            if near {
                let mut bytes = whole.clone();
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
                read(&bytes);
            }
        }
    }
}
