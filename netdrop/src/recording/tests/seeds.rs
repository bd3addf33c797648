//! Recordings that are in the repository: fuzzing begins with them, and they read
//! for ever.

use std::{env, fs, path::Path};

use super::{
    super::read::{End, Recording},
    header,
    made::snapshots,
    record, replayed, view,
};

/// Makes the one of this version of the columns anew, when it is told to. The others
/// are from before there were checksums.
fn make(folder: &Path) {
    let bytes = record(&snapshots(2, 7), &header());
    fs::write(folder.join("checked.ndr"), &bytes).unwrap();
}

#[test]
fn recordings_of_old_read_for_ever() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/recording");
    if env::var_os("NETDROP_MAKE_SEEDS").is_some() {
        make(&folder);
    }
    for (name, intervals) in [
        ("checked.ndr", 2),
        ("zstd.ndr", 2),
        ("plain.ndr", 2),
        ("cut.ndr", 1),
    ] {
        let bytes = fs::read(folder.join(name)).unwrap();
        let (periods, end) = replayed(Recording::open(&bytes[..]).unwrap(), &view("reason"));
        assert_eq!(periods.len(), intervals + 1, "{name}");
        assert_eq!(matches!(end, End::Closed(_)), name != "cut.ndr", "{name}");
        assert!(periods.last().unwrap().totals.sums.drops() > 0, "{name}");
    }
}
