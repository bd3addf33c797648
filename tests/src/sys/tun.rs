//! A tun device and the end of it that belongs to a process.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::fd::AsRawFd as _,
};

const TUNSETIFF: libc::c_ulong = 0x4004_54ca;
const IFF_TUN: i16 = 1;
const IFF_NO_PI: i16 = 0x1000;

/// `struct ifreq` as far as it matters here.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

/// The process's end of a tun device, which goes away with it.
pub(crate) struct Tun {
    file: File,
}

impl Tun {
    /// Makes the device in the thread's network namespace.
    ///
    /// # Errors
    /// The errno of open(2) or `TUNSETIFF`.
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/net/tun")?;
        let mut request = Request {
            name: [0; 16],
            flags: IFF_TUN | IFF_NO_PI,
            rest: [0; 22],
        };
        request.name[..name.len()].copy_from_slice(name.as_bytes());
        // SAFETY: the request is alive and as large as the kernel's.
        let made = unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF, &raw mut request) };
        if made < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(Self { file })
        }
    }

    /// Hands a packet to the kernel, as if the device had received it.
    ///
    /// # Errors
    /// The errno of write(2).
    pub(crate) fn write(&self, packet: &[u8]) -> io::Result<()> {
        (&self.file).write_all(packet)
    }

    /// Hands over a packet that is not there.
    ///
    /// # Errors
    /// The errno of write(2), which is always one.
    pub(crate) fn write_nothing(&self, length: usize) -> io::Result<()> {
        // SAFETY: the kernel reads from the first page, which nobody can map, and
        // finds out.
        let written = unsafe { libc::write(self.file.as_raw_fd(), std::ptr::dangling(), length) };
        if written < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }
}
