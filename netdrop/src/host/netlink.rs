//! Questions to the kernel over netlink, and the attributes of its answers.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
};

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR, NlasIterator};
use nix::{
    errno::Errno,
    sys::{
        socket::{
            AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv,
            send, setsockopt, socket,
            sockopt::{RcvBuf, RcvBufForce, ReceiveTimeout},
        },
        time::TimeVal,
    },
};

/// Length of `struct nlmsghdr` (include/uapi/linux/netlink.h).
const HEADER: usize = 16;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_DUMP_INTR: u16 = 0x10;

/// The kernel fills at most 32 KiB of a dump at once.
const BUFFER: usize = 64 * 1024;
/// An answer that does not come within so many seconds is given up.
const PATIENCE: i64 = 1;
/// A dump that changed under way is asked for again so many times.
const TRIES: usize = 4;

/// Room for what the kernel tells between two readings, in bytes.
const TOLD: usize = 4 * 1024 * 1024;

/// What the kernel tells of its own accord of a network namespace: the one that the
/// thread was in which opened it.
#[derive(Debug)]
pub(super) struct Subscription(OwnedFd);

impl Subscription {
    /// Subscribes to groups of `NETLINK_ROUTE` (`RTMGRP_LINK` and so on). Needs no
    /// privileges.
    pub(super) fn open(groups: u32) -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        // More than anybody may have needs CAP_NET_ADMIN.
        if setsockopt(&socket, RcvBufForce, &TOLD).is_err() {
            setsockopt(&socket, RcvBuf, &TOLD)?;
        }
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(Self(socket))
    }

    /// Gives the kind and the payload of each message so far to `each`. Returns
    /// false where some were lost.
    pub(super) fn told(&self, mut each: impl FnMut(u16, &[u8])) -> bool {
        let Self(socket) = self;
        let mut buffer = vec![0; BUFFER];
        let mut whole = true;
        loop {
            match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => {
                    for (header, payload) in Messages(&buffer[..length]) {
                        each(header.kind, payload);
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return whole,
                // The kernel had more to tell than there was room for.
                Err(Errno::ENOBUFS) => whole = false,
                Err(_) => return false,
            }
        }
    }
}

/// Asks for everything of a kind and gives each answer's payload to `each`.
/// A table that changes all the time is given as it was found the last time.
pub(super) fn dump<T>(
    protocol: SockProtocol,
    kind: u16,
    question: &[u8],
    each: impl Fn(&[u8]) -> Option<T>,
) -> io::Result<Vec<T>> {
    for _ in 1..TRIES {
        let (found, whole) = dump_once(protocol, kind, question, &each)?;
        if whole {
            return Ok(found);
        }
    }
    dump_once(protocol, kind, question, &each).map(|(found, _)| found)
}

fn dump_once<T>(
    protocol: SockProtocol,
    kind: u16,
    question: &[u8],
    each: impl Fn(&[u8]) -> Option<T>,
) -> io::Result<(Vec<T>, bool)> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        protocol,
    )?;
    setsockopt(&socket, ReceiveTimeout, &TimeVal::new(PATIENCE, 0))?;
    let fd = socket.as_raw_fd();
    send(fd, &message(kind, question)?, MsgFlags::empty())?;
    let mut buffer = vec![0; BUFFER];
    let mut found = Vec::new();
    let mut whole = true;
    loop {
        let length = match recv(fd, &mut buffer, MsgFlags::empty()) {
            Err(Errno::EINTR) => continue,
            Err(Errno::EAGAIN) => return Err(io::ErrorKind::TimedOut.into()),
            result => result?,
        };
        for (header, payload) in Messages(&buffer[..length]) {
            whole &= header.flags & NLM_F_DUMP_INTR == 0;
            match header.kind {
                NLMSG_DONE => {
                    // A dump can fail at its end, too.
                    return match word(payload, 0) {
                        Some(code) if code != 0 => Err(error(code)),
                        _ => Ok((found, whole)),
                    };
                }
                NLMSG_ERROR => return Err(error(word(payload, 0).unwrap_or_default())),
                _ => found.extend(each(payload)),
            }
        }
    }
}

fn error(code: u32) -> io::Error {
    io::Error::from_raw_os_error(code.cast_signed().saturating_neg())
}

fn message(kind: u16, body: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(HEADER + body.len()).map_err(io::Error::other)?;
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    // Sequence number and port: there is one question per socket.
    message.extend([0; 8]);
    message.extend(body);
    Ok(message)
}

struct Header {
    kind: u16,
    flags: u16,
}

/// The messages in what was received at once; what is cut off is left out.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = (Header, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let Self(rest) = self;
        let length = word(rest, 0)? as usize;
        let payload = rest.get(HEADER..length)?;
        let header = Header {
            kind: short(rest, 4)?,
            flags: short(rest, 6)?,
        };
        *rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((header, payload))
    }
}

/// The attributes behind the first `skip` bytes, by kind. Nothing after one
/// that is malformed.
pub(super) fn attributes(payload: &[u8], skip: usize) -> impl Iterator<Item = (u16, &[u8])> {
    NlasIterator::new(payload.get(skip..).unwrap_or_default())
        .map_while(Result::ok)
        .map(|attribute| (attribute.kind(), attribute.into_inner()))
        .filter_map(|(kind, bytes)| {
            let length = usize::from(short(bytes, 0)?);
            Some((kind, bytes.get(4..length)?))
        })
}

/// Text that ends with a zero byte.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}

/// A 32-bit number at a place, in the host's order.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A 64-bit number at a place.
pub(super) fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The 64-bit numbers in a row, as far as they are there: older kernels have
/// shorter structures.
pub(super) fn longs(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks_exact(8).filter_map(|chunk| long(chunk, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stand_side_by_side_and_a_cut_one_is_left_out() {
        let mut bytes = message(7, &[1, 2, 3]).unwrap();
        bytes.push(0);
        bytes.extend(message(8, &[]).unwrap());
        bytes.extend(&message(9, &[4; 8]).unwrap()[..20]);
        let found: Vec<_> = Messages(&bytes)
            .map(|(header, payload)| (header.kind, payload.to_vec()))
            .collect();
        assert_eq!(found, [(7, vec![1, 2, 3]), (8, vec![])]);
    }

    #[test]
    fn attributes_are_found_behind_the_fixed_part() {
        let mut bytes = vec![9; 4];
        bytes.extend([8, 0, 3, 0]);
        bytes.extend(5_u32.to_ne_bytes());
        bytes.extend([7, 0, 1, 0x80, b'l', b'o', 0, 0]);
        bytes.extend([99, 0, 2, 0]);
        let found: Vec<_> = attributes(&bytes, 4).collect();
        assert_eq!(found[0], (3, &5_u32.to_ne_bytes()[..]));
        assert_eq!(found[1].0, 1);
        assert_eq!(text(found[1].1), "lo");
        assert_eq!(found.len(), 2);
    }
}
