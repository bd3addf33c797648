//! Recordings that are in the repository: fuzzing begins with them, and they read
//! for ever.

use std::{env, fs, path::Path};

use arrow_ipc::{reader::StreamReader, writer::StreamWriter};

use super::{
    super::read::{End, Recording},
    header,
    made::snapshots,
    record, replayed, view,
};

/// Makes them anew, for this version of the columns, when it is told to.
fn make(folder: &Path) {
    let bytes = record(&snapshots(2, 7), &header());
    fs::write(folder.join("zstd.ndr"), &bytes).unwrap();
    fs::write(folder.join("cut.ndr"), &bytes[..bytes.len() * 2 / 3]).unwrap();
    let reader = StreamReader::try_new(&bytes[..], None).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &reader.schema()).unwrap();
    for batch in reader {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.finish().unwrap();
    let plain = writer.into_inner().unwrap();
    fs::write(folder.join("plain.ndr"), plain).unwrap();
}

#[test]
fn recordings_of_old_read_for_ever() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/recording");
    if env::var_os("NETDROP_MAKE_SEEDS").is_some() {
        make(&folder);
    }
    for (name, intervals) in [("zstd.ndr", 2), ("plain.ndr", 2), ("cut.ndr", 1)] {
        let bytes = fs::read(folder.join(name)).unwrap();
        let (periods, end) = replayed(Recording::open(&bytes[..]).unwrap(), &view("reason"));
        assert_eq!(periods.len(), intervals + 1, "{name}");
        assert_eq!(matches!(end, End::Closed(_)), name != "cut.ndr", "{name}");
        assert!(periods.last().unwrap().totals.sums.drops() > 0, "{name}");
    }
}
