//! The real tcpdump.

use std::{
    fs::File,
    io::{Seek as _, Write as _},
    process::{Command, Stdio},
};

/// A capture file, open.
pub(crate) struct Capture {
    file: File,
    frames: usize,
}

impl Capture {
    /// Of captured bytes and length on the wire. A frame's number is its time.
    pub(crate) fn new<'a>(frames: impl Iterator<Item = (&'a [u8], u32)>) -> Self {
        let path = std::env::temp_dir().join(format!(
            "netdrop-filter-{}-{:?}.pcap",
            std::process::id(),
            std::thread::current().id()
        ));
        let mut file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut bytes = Vec::new();
        for word in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            bytes.extend(word.to_le_bytes());
        }
        let mut count = 0;
        for (number, (captured, length)) in frames.enumerate() {
            let number = u32::try_from(number).unwrap();
            let held = u32::try_from(captured.len()).unwrap();
            for word in [1, number, held, length] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(captured);
            count += 1;
        }
        file.write_all(&bytes).unwrap();
        Self {
            file,
            frames: count,
        }
    }

    /// Which frames match, or what tcpdump says is wrong.
    pub(crate) fn matching(&mut self, expression: &str) -> Result<Vec<bool>, String> {
        self.file.rewind().unwrap();
        let output = Command::new("tcpdump")
            .args(["-n", "-r", "-", "-w", "-", "--", expression])
            .stdin(self.file.try_clone().unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .expect("tcpdump is needed: `cargo xtask setup` installs it");
        let mut matching = vec![false; self.frames];
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            if error.contains("expression rejects all packets") {
                return Ok(matching);
            }
            return Err(error);
        }
        let word = |bytes: &[u8], at: usize| {
            u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
        };
        let mut records = &output.stdout[24..];
        while !records.is_empty() {
            matching[word(records, 4)] = true;
            records = &records[16 + word(records, 8)..];
        }
        Ok(matching)
    }
}
