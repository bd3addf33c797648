//! Files that were cut off, damaged, or made up.

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;

use super::{
    header,
    made::{Numbers, events, snapshots},
    record, record_with, replayed, view,
};
use crate::{
    recording::{
        frame::measure,
        read::{End, OpenError, Recording},
        table::Table,
    },
    tally::period::Period,
};

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

/// Reads it with one bit changed: it is refused, or damage is told and what was read
/// before is as it was, or all of it is.
fn flipped(whole: &[u8], bit: usize, periods: &[Period]) {
    let mut bytes = whole.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    let Ok(recording) = Recording::open(&bytes[..]) else {
        return;
    };
    let (mut found, end) = replayed(recording, &view("flow,reason"));
    if matches!(end, End::Closed(_)) {
        assert_eq!(found, periods, "bit {bit}: {end}");
    }
    found.pop();
    assert_eq!(found, periods[..found.len()], "bit {bit}: {end}");
}

#[test]
fn a_bit_that_changes_is_told_or_changes_nothing() {
    let whole = record_with(&snapshots(3, 5), &events(3, 8), &header());
    let (periods, end) = replayed(Recording::open(&whole[..]).unwrap(), &view("flow,reason"));
    assert_eq!(end, End::Closed("duration".to_owned()));
    for bit in (0..whole.len() * 8).step_by(331) {
        flipped(&whole, bit, &periods);
    }
    // The end is short.
    for bit in (whole.len() - 16) * 8..whole.len() * 8 {
        flipped(&whole, bit, &periods);
    }
}

#[test]
fn a_changed_bit_in_counts_or_names_is_named_with_its_place() {
    let whole = record(&snapshots(3, 5), &header());
    let mut recording = Recording::open(&whole[..]).unwrap();
    let header = usize::try_from(recording.bytes()).unwrap();
    recording.next_interval().unwrap();
    let first = usize::try_from(recording.bytes()).unwrap();
    // Near the ends of their bodies.
    for (at, intervals, told) in [
        (header - 100, 0, "damaged at byte"),
        (first + 4000, 1, "behind interval 0"),
    ] {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        let (periods, end) = replayed(Recording::open(&bytes[..]).unwrap(), &view("reason"));
        assert_eq!(periods.len(), intervals + 1);
        let end = end.to_string();
        assert!(end.contains("checksum") && end.contains(told), "{end}");
    }
}

/// Its messages: the header, the batches, and the mark that ends it.
fn messages(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while bytes.len() > 8 {
        let (message, rest) = bytes.split_at(measure(bytes).unwrap().length);
        found.push(message);
        bytes = rest;
    }
    found.push(bytes);
    found
}

/// Both readers tell that something is wrong with it, in the same words, and what they
/// read before is as it was.
fn told(bytes: &[u8], periods: &[Period]) -> String {
    let (mut found, end) = replayed(Recording::open(bytes).unwrap(), &view("flow,reason"));
    assert!(matches!(end, End::Damaged(..)), "{end}");
    found.pop();
    assert_eq!(found, periods[..found.len()], "{end}");
    let mut table = Table::open(bytes).unwrap();
    while !table.next_rows().is_empty() {}
    assert_eq!(table.end(), Some(&end));
    end.to_string()
}

#[test]
fn a_batch_that_is_removed_doubled_or_moved_is_told() {
    let whole = record_with(&snapshots(5, 5), &events(5, 8), &header());
    let (periods, _) = replayed(Recording::open(&whole[..]).unwrap(), &view("flow,reason"));
    let messages = messages(&whole);
    let last = messages.len() - 1;
    assert!(last >= 7, "{last}");
    let all = |order: &[usize]| -> Vec<u8> {
        order.iter().flat_map(|at| messages[*at]).copied().collect()
    };
    let order: Vec<usize> = (0..=last).collect();
    assert_eq!(all(&order), whole);
    for at in 1..last {
        let mut without = order.clone();
        without.remove(at);
        let mut doubled = order.clone();
        doubled.insert(at, at);
        let mut moved = order.clone();
        moved.swap(at, if at + 1 < last { at + 1 } else { 1 });
        for order in [without, doubled, moved] {
            told(&all(&order), &periods);
        }
    }
}

#[test]
fn whatever_stands_behind_the_end_is_told() {
    let whole = record(&snapshots(3, 5), &header());
    let (periods, _) = replayed(Recording::open(&whole[..]).unwrap(), &view("flow,reason"));
    for (behind, why) in [
        (&whole[..], "another file was joined"),
        (&[0], "goes on behind its end"),
        (b"something else", "goes on behind its end"),
    ] {
        let end = told(&[&whole[..], behind].concat(), &periods);
        assert!(end.contains(why), "{end}");
        assert!(end.contains(&whole.len().to_string()), "{end}");
    }
}

#[test]
fn a_changed_bit_in_what_tells_of_checksums_is_told() {
    let whole = record(&snapshots(1, 3), &header());
    let (periods, _) = replayed(Recording::open(&whole[..]).unwrap(), &view("flow,reason"));
    let find = |text: &str| {
        let mut windows = whole.windows(text.len());
        windows.position(|found| found == text.as_bytes()).unwrap()
    };
    for (text, length) in [("checksum", 8), ("crc32-chain", 11), ("SUM ", 4)] {
        let at = find(text) * 8;
        for bit in at..at + length * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // Text that is none is no header.
            if bit % 8 == 7 {
                flipped(&whole, bit, &periods);
            } else {
                told(&bytes, &periods);
            }
        }
    }
}

#[test]
fn a_length_beyond_the_end_of_a_file_that_was_closed_is_damage() {
    let whole = record(&snapshots(3, 5), &header());
    let (periods, _) = replayed(Recording::open(&whole[..]).unwrap(), &view("flow,reason"));
    let messages = messages(&whole);
    let mut place = 0;
    for message in &messages[..messages.len() - 1] {
        let measured = measure(message).unwrap();
        let lengths = (measured.body > 0).then_some(place + measured.place);
        let lengths = lengths.into_iter().chain((place > 0).then_some(place + 4));
        for at in lengths {
            let mut bytes = whole.clone();
            // Some megabytes.
            bytes[at + 2] |= 0x40;
            told(&bytes, &periods);
        }
        place += message.len();
    }
}

#[test]
fn other_readers_of_arrow_find_the_same_rows() {
    let whole = record_with(&snapshots(3, 5), &events(3, 8), &header());
    let mut rows = 0;
    for batch in StreamReader::try_new(&whole[..], None).unwrap() {
        rows += batch.unwrap().num_rows();
    }
    let mut table = Table::open(&whole[..]).unwrap();
    let mut ours = 0;
    loop {
        let batches = table.next_rows();
        if batches.is_empty() {
            break;
        }
        ours += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    }
    assert_eq!(rows, ours);
    assert!(rows > 100 && matches!(table.end(), Some(End::Closed(_))));
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
