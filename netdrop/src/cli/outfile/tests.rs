use std::{
    io::{Read as _, Write as _},
    os::unix::fs::symlink,
    path::PathBuf,
};

use super::{
    place::{Temporary, Wanted},
    *,
};

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netdrop-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn count(&self) -> usize {
        fs::read_dir(&self.0).unwrap().count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_file_appears_whole_or_not_at_all_and_never_over_another() {
    let folder = Folder::new("outfile");
    let path = folder.0.join("out");
    let mut whole = Whole::create(&path, false).unwrap();
    whole.file().write_all(b"one").unwrap();
    assert!(!path.exists());
    drop(whole);
    assert_eq!(folder.count(), 0);
    let mut whole = Whole::create(&path, false).unwrap();
    let mut late = Whole::create(&path, false).unwrap();
    whole.file().write_all(b"two").unwrap();
    whole.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // It was not there when the other one began.
    late.file().write_all(b"three").unwrap();
    assert!(late.finish().unwrap_err().is::<Usage>());
    assert_eq!(fs::read(&path).unwrap(), b"two");
    let refused = Whole::create(&path, false).unwrap_err();
    assert!(refused.is::<Usage>(), "{refused}");
    assert!(Fresh::create(&path, false).unwrap_err().is::<Usage>());
    // What is to be replaced stays until there is something to replace it by.
    drop(Fresh::create(&path, true).unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"two");
    drop(Fresh::create(&path, true).unwrap().begin().unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"");
    Whole::create(&path, true).unwrap().finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
    assert_eq!(folder.count(), 1);
}

#[test]
fn where_files_have_names_from_the_start_they_appear_whole_too() {
    let folder = Folder::new("outfile-named");
    let path = folder.0.join("out");
    for (force, text) in [(false, "one"), (true, "two")] {
        let temporary = Temporary::beside(&path).unwrap();
        let mut file = File::create_new(&temporary.0).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let wanted = Wanted {
            path: path.clone(),
            force,
        };
        Place::Elsewhere(temporary, wanted).finish(&file).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(folder.count(), 1);
    }
}

#[test]
fn a_link_is_replaced_and_what_it_leads_to_stays() {
    let folder = Folder::new("outfile-link");
    let [file, link] = ["file", "link"].map(|name| folder.0.join(name));
    fs::write(&file, "kept").unwrap();
    symlink(&file, &link).unwrap();
    assert!(Whole::create(&link, false).unwrap_err().is::<Usage>());
    Whole::create(&link, true).unwrap().finish().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    assert!(link.symlink_metadata().unwrap().is_file());
}

#[test]
fn devices_and_pipes_are_written_to_and_stay_what_they_are() {
    let null = Path::new("/dev/null");
    for force in [false, true] {
        let mut whole = Whole::create(null, force).unwrap();
        whole.file().write_all(b"gone").unwrap();
        whole.finish().unwrap();
        let fresh = Fresh::create(null, force).unwrap();
        fresh.begin().unwrap().write_all(b"gone").unwrap();
        let kind = null.symlink_metadata().unwrap().file_type();
        assert!(kind.is_char_device());
    }
    let (mut reader, writer) = io::pipe().unwrap();
    let handle = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
    let mut whole = Whole::create(Path::new(&handle), true).unwrap();
    drop(writer);
    whole.file().write_all(b"read").unwrap();
    whole.finish().unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "read");
}

#[test]
fn a_folder_is_no_file() {
    let folder = Folder::new("outfile-folder");
    for force in [false, true] {
        let refused = Whole::create(&folder.0, force).unwrap_err();
        assert!(refused.is::<Usage>(), "{refused}");
        assert!(Fresh::create(&folder.0, force).unwrap_err().is::<Usage>());
    }
}
