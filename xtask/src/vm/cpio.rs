//! Writes an archive in the kernel's initramfs format, "newc" (Documentation/driver-api/early-userspace).

use std::{
    collections::BTreeSet,
    io::{Result, Write},
};

const DIRECTORY: u32 = 0o040_755;
const LINK: u32 = 0o120_777;
const FILE: u32 = 0o100_000;

/// An archive being written. Parents of an entry are added by themselves, an entry added twice is
/// written once.
#[derive(Debug)]
pub(crate) struct Archive<W> {
    out: W,
    written: BTreeSet<String>,
}

impl<W: Write> Archive<W> {
    /// An empty archive.
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            written: BTreeSet::new(),
        }
    }

    /// Whether there is an entry at `path`.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.written.contains(path.trim_start_matches('/'))
    }

    /// Adds an empty directory.
    pub(crate) fn directory(&mut self, path: &str) -> Result<()> {
        self.entry(path, DIRECTORY, &[])
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, path: &str, target: &str) -> Result<()> {
        self.entry(path, LINK, target.as_bytes())
    }

    /// Adds a file with the given permissions.
    pub(crate) fn file(&mut self, path: &str, permissions: u32, data: &[u8]) -> Result<()> {
        self.entry(path, FILE | permissions, data)
    }

    /// Writes the end and gives the output back.
    pub(crate) fn finish(mut self) -> Result<W> {
        self.header("TRAILER!!!", 0, &[])?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn entry(&mut self, path: &str, mode: u32, data: &[u8]) -> Result<()> {
        let path = path.trim_matches('/');
        for (slash, _) in path.match_indices('/') {
            let parent = &path[..slash];
            if self.written.insert(parent.to_owned()) {
                self.header(parent, DIRECTORY, &[])?;
            }
        }
        if self.written.insert(path.to_owned()) {
            self.header(path, mode, data)?;
        }
        Ok(())
    }

    fn header(&mut self, name: &str, mode: u32, data: &[u8]) -> Result<()> {
        let inode = self.written.len();
        let (size, name_size) = (data.len(), name.len() + 1);
        // magic, then: inode, mode, uid, gid, links, mtime, size, device and special device as
        // major and minor, size of the name with its zero, check sum.
        let header = format!(
            "070701{inode:08x}{mode:08x}{0:08x}{0:08x}{1:08x}{0:08x}{size:08x}\
             {0:08x}{0:08x}{0:08x}{0:08x}{name_size:08x}{0:08x}{name}\0",
            0, 1
        );
        self.out.write_all(header.as_bytes())?;
        self.pad(header.len())?;
        self.out.write_all(data)?;
        self.pad(size)
    }

    fn pad(&mut self, length: usize) -> Result<()> {
        self.out
            .write_all(&[0; 3][..length.next_multiple_of(4) - length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpio_tool_reads_back_what_was_written() {
        let mut archive = Archive::new(Vec::new());
        archive.file("/usr/bin/tool", 0o755, b"hello").unwrap();
        archive.link("bin", "usr/bin").unwrap();
        archive.file("usr/bin/tool", 0o755, b"again").unwrap();
        let bytes = archive.finish().unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(text.matches("070701").count(), 5);
        assert!(text.contains("hello") && !text.contains("again"));
        assert!(text.find("usr\0").unwrap() < text.find("usr/bin\0").unwrap());
    }

    #[test]
    fn names_and_data_start_at_multiples_of_four() {
        let mut archive = Archive::new(Vec::new());
        archive.file("ab", 0o644, b"x").unwrap();
        let bytes = archive.finish().unwrap();
        // 110 bytes of header, "ab\0", three of padding.
        assert_eq!(bytes[116], b'x');
        assert_eq!(&bytes[120..126], b"070701");
    }
}
