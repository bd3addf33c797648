//! Sockets that lose packets: listeners with their accept queues, and sockets
//! with drops (`SOCK_DIAG_BY_FAMILY`).

use std::{
    fs::File,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::MetadataExt as _,
};

use nix::sys::socket::SockProtocol;

use crate::{
    host::{
        netlink::{attributes, dump, word},
        sockets::{Held, Holder},
    },
    kernel::sys::socket::{descriptor_of, receive_buffer_is_fixed},
};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// Length of `struct inet_diag_req_v2` (`include/uapi/linux/inet_diag.h`).
const QUESTION: usize = 56;
/// Length of `struct inet_diag_msg`.
const FIXED: usize = 72;
const INET_DIAG_SKMEMINFO: u16 = 7;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

// include/net/tcp_states.h
const TCP_ESTABLISHED: u32 = 1;
const TCP_TIME_WAIT: u32 = 6;
const TCP_LISTEN: u32 = 10;
const TCP_NEW_SYN_RECV: u32 = 12;
const ALL: u32 = 0xfff;

/// What a socket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// It waits for TCP connections.
    Listener,
    /// It is an end of a TCP connection.
    Tcp,
    /// It takes datagrams.
    Udp,
}

impl SocketKind {
    /// The word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A listener, or a socket that dropped something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// What it does.
    pub kind: SocketKind,
    /// Its own end.
    pub local: SocketAddr,
    /// Its inode number; 0 where no process holds it (any more).
    pub inode: u32,
    /// Of a listener: connections that wait to be accepted. Else bytes that wait
    /// to be read.
    pub queue: u32,
    /// Of a listener: how many may wait, from `listen()` and `somaxconn`.
    pub backlog: Option<u32>,
    /// Memory of what was received, and how much there may be, in bytes.
    pub memory: Option<[u32; 2]>,
    /// Packets dropped here (32 bits). `None` where the kernel does not say.
    pub drops: Option<u32>,
    /// Who holds it, where that was found out.
    pub holder: Option<Holder>,
    /// Of a TCP connection: was its receive buffer set by `SO_RCVBUF`, which ends
    /// its automatic tuning? `None` where that was not found out.
    pub fixed_buffer: Option<bool>,
}

impl Socket {
    /// Is there no room for another connection? (`sk_acceptq_is_full`,
    /// include/net/sock.h, 5.10 to 7.2.)
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.backlog.is_some_and(|backlog| self.queue > backlog)
    }

    /// Notes who holds it, and asks its own descriptor what nothing else tells.
    pub(super) fn held_by(&mut self, held: Held) {
        let Held { holder, descriptor } = held;
        if self.kind == SocketKind::Tcp {
            let asked = descriptor.map(|number| fixed_buffer(holder.pid, number, self.inode));
            self.fixed_buffer = asked.and_then(|answer| {
                answer
                    .inspect_err(|error| log::debug!("SO_BUF_LOCK of {}: {error}", self.local))
                    .ok()
            });
        }
        self.holder = Some(holder);
    }

    /// Where its descriptor did not tell: a buffer smaller than every connection
    /// begins with was set.
    pub(super) fn suppose(&mut self, usual: u64) {
        if self.kind == SocketKind::Tcp && self.fixed_buffer.is_none() {
            let small = self.memory.is_some_and(|[_, most]| u64::from(most) < usual);
            self.fixed_buffer = small.then_some(true);
        }
    }

    fn matters(&self) -> bool {
        self.kind == SocketKind::Listener || self.drops.is_some_and(|drops| drops > 0)
    }
}

fn fixed_buffer(pid: u32, descriptor: u32, inode: u32) -> io::Result<bool> {
    let descriptor = File::from(descriptor_of(pid, descriptor)?);
    // The process may have closed it meanwhile, and opened another.
    if descriptor.metadata()?.ino() != u64::from(inode) {
        return Err(io::ErrorKind::NotFound.into());
    }
    receive_buffer_is_fixed(&descriptor.into())
}

/// All listeners of the calling thread's namespace.
pub(super) fn listeners() -> io::Result<Vec<Socket>> {
    of(libc::IPPROTO_TCP, 1 << TCP_LISTEN)
}

/// The ends of TCP connections that dropped something.
pub(super) fn connections() -> io::Result<Vec<Socket>> {
    let states =
        ALL << TCP_ESTABLISHED & !(1 << TCP_LISTEN | 1 << TCP_TIME_WAIT | 1 << TCP_NEW_SYN_RECV);
    of(libc::IPPROTO_TCP, states)
}

/// The sockets for datagrams that dropped something.
pub(super) fn datagrams() -> io::Result<Vec<Socket>> {
    of(libc::IPPROTO_UDP, u32::MAX)
}

fn of(protocol: i32, states: u32) -> io::Result<Vec<Socket>> {
    let mut found = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let mut question = [0; QUESTION];
        question[0] = family;
        question[1] = u8::try_from(protocol).map_err(io::Error::other)?;
        question[2] = 1 << (INET_DIAG_SKMEMINFO - 1);
        question[4..8].copy_from_slice(&states.to_ne_bytes());
        found.extend(dump(
            SockProtocol::NetlinkSockDiag,
            SOCK_DIAG_BY_FAMILY,
            &question,
            |payload| parse(protocol, payload).filter(Socket::matters),
        )?);
    }
    Ok(found)
}

fn parse(protocol: i32, payload: &[u8]) -> Option<Socket> {
    let listens = protocol == libc::IPPROTO_TCP && u32::from(*payload.get(1)?) == TCP_LISTEN;
    let port = u16::from_be_bytes(payload.get(4..6)?.try_into().ok()?);
    let address: IpAddr = if *payload.first()? == AF_INET6 {
        let bytes: [u8; 16] = payload.get(8..24)?.try_into().ok()?;
        Ipv6Addr::from(bytes).into()
    } else {
        let bytes: [u8; 4] = payload.get(8..12)?.try_into().ok()?;
        Ipv4Addr::from(bytes).into()
    };
    let memory = attributes(payload, FIXED)
        .find(|(kind, _)| *kind == INET_DIAG_SKMEMINFO)
        .map(|(_, value)| value);
    // Places in SKMEMINFO: SK_MEMINFO_RMEM_ALLOC, RCVBUF and DROPS
    // (include/uapi/linux/sock_diag.h).
    let number = |index: usize| word(memory?, index * 4);
    Some(Socket {
        kind: match protocol {
            libc::IPPROTO_TCP if listens => SocketKind::Listener,
            libc::IPPROTO_TCP => SocketKind::Tcp,
            _ => SocketKind::Udp,
        },
        local: SocketAddr::new(address, port),
        queue: word(payload, 56)?,
        backlog: if listens { word(payload, 60) } else { None },
        inode: word(payload, 68)?,
        memory: number(0).zip(number(1)).map(|(used, most)| [used, most]),
        drops: number(8),
        holder: None,
        fixed_buffer: None,
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listener_is_found_with_its_backlog() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let found = listeners().unwrap();
        let socket = found.iter().find(|socket| socket.local == local).unwrap();
        assert_eq!(socket.kind, SocketKind::Listener);
        assert_eq!(socket.queue, 0);
        assert!(socket.backlog.is_some_and(|backlog| backlog > 0));
        assert!(!socket.is_full());
        assert!(socket.inode > 0);
    }

    #[test]
    fn a_queue_is_full_when_it_holds_more_than_its_backlog() {
        let mut payload = vec![0; FIXED];
        payload[0] = AF_INET;
        payload[1] = 10;
        payload[4..6].copy_from_slice(&443_u16.to_be_bytes());
        payload[8..12].copy_from_slice(&[10, 0, 0, 1]);
        payload[56] = 3;
        payload[60] = 2;
        super::super::attribute(&mut payload, INET_DIAG_SKMEMINFO, &{
            let mut numbers = [0; 36];
            numbers[32] = 9;
            numbers
        });
        let socket = parse(libc::IPPROTO_TCP, &payload).unwrap();
        assert!(socket.is_full());
        assert_eq!(socket.local.to_string(), "10.0.0.1:443");
        assert_eq!(socket.drops, Some(9));
        payload[56] = 2;
        assert!(!parse(libc::IPPROTO_TCP, &payload).unwrap().is_full());
    }
}
