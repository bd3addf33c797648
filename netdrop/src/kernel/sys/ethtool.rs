//! `SIOCETHTOOL`: what a device's driver says of itself.
//!
//! The ioctl and not ethtool netlink, since only it tells the driver's own
//! statistics, and it tells all the rest on every kernel from 5.10 on.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd},
};

// include/uapi/linux/ethtool.h
const ETHTOOL_GCOALESCE: u32 = 0x0e;
const ETHTOOL_GRINGPARAM: u32 = 0x10;
const ETHTOOL_GSTRINGS: u32 = 0x1b;
const ETHTOOL_GSTATS: u32 = 0x1d;
const ETHTOOL_GSSET_INFO: u32 = 0x37;
const ETHTOOL_GRXFHINDIR: u32 = 0x38;
const ETHTOOL_GFEATURES: u32 = 0x3a;
const ETHTOOL_GCHANNELS: u32 = 0x3c;
const ETHTOOL_GLINKSETTINGS: u32 = 0x4c;

const ETH_SS_STATS: u32 = 1;
const ETH_SS_FEATURES: u32 = 4;
/// Length of a name.
const ETH_GSTRING_LEN: usize = 32;

/// Longest list that a driver is believed to have.
const MOST: usize = 16_384;
/// A driver may have more statistics (after a change of its channels) than it
/// said a moment ago, and the kernel writes them all: so much more room is left.
const SPARE: usize = 2;

/// `struct ifreq` with a pointer.
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    data: *mut u32,
    rest: [u64; 2],
}

/// Asks the driver of a device; the answer takes the place of the question,
/// which begins with a command.
fn ask(socket: BorrowedFd<'_>, device: &str, question: &mut [u32]) -> io::Result<()> {
    let mut request = Request {
        name: [0; libc::IFNAMSIZ],
        data: question.as_mut_ptr(),
        rest: [0; 2],
    };
    let name = request
        .name
        .get_mut(..device.len())
        .filter(|name| name.len() < libc::IFNAMSIZ)
        .ok_or(io::ErrorKind::InvalidInput)?;
    name.copy_from_slice(device.as_bytes());
    // SAFETY: both structures live until the call ends. Every caller below gives
    // a question that is at least as long as what the kernel writes for its
    // command: a structure of fixed length, or lists with room to spare.
    let result = unsafe {
        libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCETHTOOL,
            std::ptr::from_mut(&mut request),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn fixed<const WORDS: usize>(
    socket: BorrowedFd<'_>,
    device: &str,
    command: u32,
) -> io::Result<[u32; WORDS]> {
    let mut answer = [0; WORDS];
    answer[0] = command;
    ask(socket, device, &mut answer)?;
    Ok(answer)
}

/// `struct ethtool_ringparam`.
pub(crate) fn rings(socket: BorrowedFd<'_>, device: &str) -> io::Result<[u32; 9]> {
    fixed(socket, device, ETHTOOL_GRINGPARAM)
}

/// `struct ethtool_channels`.
pub(crate) fn channels(socket: BorrowedFd<'_>, device: &str) -> io::Result<[u32; 9]> {
    fixed(socket, device, ETHTOOL_GCHANNELS)
}

/// `struct ethtool_coalesce`.
pub(crate) fn coalescing(socket: BorrowedFd<'_>, device: &str) -> io::Result<[u32; 23]> {
    fixed(socket, device, ETHTOOL_GCOALESCE)
}

/// `struct ethtool_link_settings` without its masks.
pub(crate) fn link(socket: BorrowedFd<'_>, device: &str) -> io::Result<[u32; 12]> {
    /// The masks are three lists of at most 127 words.
    const ROOM: usize = 12 + 3 * 127;
    let mut answer = [0; ROOM];
    answer[0] = ETHTOOL_GLINKSETTINGS;
    ask(socket, device, &mut answer)?;
    // The first answer only tells the masks' length, as a negative number in
    // `link_mode_masks_nwords`.
    let words = answer[3].to_ne_bytes()[3].cast_signed();
    if words < 0 {
        answer = [0; ROOM];
        answer[0] = ETHTOOL_GLINKSETTINGS;
        answer[3] = u32::from_ne_bytes([0, 0, 0, words.unsigned_abs()]);
        ask(socket, device, &mut answer)?;
    }
    let mut settings = [0; 12];
    settings.copy_from_slice(&answer[..12]);
    Ok(settings)
}

/// How many strings of a set the driver has.
fn strings_of(socket: BorrowedFd<'_>, device: &str, set: u32) -> io::Result<usize> {
    // command, reserved, a mask of 64 bits, one length.
    let mut answer = [ETHTOOL_GSSET_INFO, 0, 0, 0, 0];
    let mask: [u32; 2] = zerocopy::transmute!(1_u64 << set);
    answer[2..4].copy_from_slice(&mask);
    ask(socket, device, &mut answer)?;
    // The kernel clears the mask where the driver has none.
    if answer[2] == 0 && answer[3] == 0 {
        return Ok(0);
    }
    Ok((answer[4] as usize).min(MOST))
}

fn names(socket: BorrowedFd<'_>, device: &str, set: u32, count: usize) -> io::Result<Vec<String>> {
    let mut answer = vec![0; 3 + (count * SPARE + MOST) * ETH_GSTRING_LEN / 4];
    answer[0] = ETHTOOL_GSTRINGS;
    answer[1] = set;
    answer[2] = u32::try_from(count).map_err(io::Error::other)?;
    ask(socket, device, &mut answer)?;
    Ok(answer[3..]
        .chunks_exact(ETH_GSTRING_LEN / 4)
        .take(count.min(answer[2] as usize))
        .map(|name| {
            let bytes: Vec<u8> = name.iter().flat_map(|word| word.to_ne_bytes()).collect();
            let end = bytes.iter().position(|byte| *byte == 0);
            String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())])
                .trim()
                .to_owned()
        })
        .collect())
}

/// The driver's own statistics by name.
pub(crate) fn statistics(socket: BorrowedFd<'_>, device: &str) -> io::Result<Vec<(String, u64)>> {
    let count = strings_of(socket, device, ETH_SS_STATS)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let names = names(socket, device, ETH_SS_STATS, count)?;
    let mut answer = vec![0; 2 + (count * SPARE + MOST) * 2];
    answer[0] = ETHTOOL_GSTATS;
    answer[1] = u32::try_from(count).map_err(io::Error::other)?;
    ask(socket, device, &mut answer)?;
    let numbers = answer[2..]
        .chunks_exact(2)
        .take(answer[1] as usize)
        .map(|pair| zerocopy::transmute!([pair[0], pair[1]]));
    Ok(names.into_iter().zip(numbers).collect())
}

/// Names of the offloads, and which are active.
pub(crate) fn features(socket: BorrowedFd<'_>, device: &str) -> io::Result<Vec<(String, bool)>> {
    let count = strings_of(socket, device, ETH_SS_FEATURES)?;
    let names = names(socket, device, ETH_SS_FEATURES, count)?;
    let blocks = count.div_ceil(32);
    // In each block: available, requested, active, never changed.
    let mut answer = vec![0; 2 + blocks * 4];
    answer[0] = ETHTOOL_GFEATURES;
    answer[1] = u32::try_from(blocks).map_err(io::Error::other)?;
    ask(socket, device, &mut answer)?;
    let active = |bit: usize| {
        let block = answer
            .get(2 + bit / 32 * 4 + 2)
            .copied()
            .unwrap_or_default();
        block >> (bit % 32) & 1 == 1
    };
    Ok(names
        .into_iter()
        .enumerate()
        .map(|(bit, name)| (name, active(bit)))
        .collect())
}

/// The receive queue that each entry of the RSS table leads to.
pub(crate) fn spread(socket: BorrowedFd<'_>, device: &str) -> io::Result<Vec<u32>> {
    let mut question = [ETHTOOL_GRXFHINDIR, 0];
    ask(socket, device, &mut question)?;
    let size = (question[1] as usize).min(MOST);
    let mut answer = vec![0; 2 + size];
    answer[0] = ETHTOOL_GRXFHINDIR;
    answer[1] = u32::try_from(size).map_err(io::Error::other)?;
    ask(socket, device, &mut answer)?;
    Ok(answer.split_off(2))
}
