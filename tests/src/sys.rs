//! The raw system calls of the lab, and all of its `unsafe`: frames on a packet
//! socket, and the little of bpf(2) that attaches an XDP program and lists what
//! is loaded.

use std::{
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
};

/// `r0 = XDP_DROP; exit`, each instruction eight bytes.
const XDP_DROP: [u64; 2] = [0x0000_0001_0000_00b7, 0x0000_0000_0000_0095];

const AF_PACKET: u16 = 17;

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_PROG_GET_NEXT_ID: libc::c_long = 11;
const BPF_MAP_GET_NEXT_ID: libc::c_long = 12;
const BPF_LINK_CREATE: libc::c_long = 28;

const BPF_PROG_TYPE_XDP: u32 = 6;
const BPF_XDP: u32 = 37;
const XDP_FLAGS_SKB_MODE: u32 = 2;

#[repr(C)]
struct ProgLoad {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
}

#[repr(C)]
struct LinkCreate {
    program: u32,
    target_ifindex: u32,
    attach_type: u32,
    flags: u32,
}

#[repr(C)]
struct NextId {
    start: u32,
    next: u32,
    open_flags: u32,
}

/// `struct sockaddr_ll`: only family and device matter to a sender.
#[repr(C)]
struct LinkAddress {
    family: u16,
    protocol: u16,
    ifindex: i32,
    rest: [u8; 12],
}

const LINK_ADDRESS_SIZE: libc::socklen_t = 20;
const _: () = assert!(size_of::<LinkAddress>() == 20);

/// Which kind of BPF object a look-up means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Object {
    Program,
    Map,
}

/// An XDP program that drops everything, attached to a device in generic mode.
/// Detached when dropped.
pub(crate) struct XdpDrop {
    _link: OwnedFd,
    _program: OwnedFd,
}

impl XdpDrop {
    /// Loads the program and attaches it by a link (5.9 and later).
    ///
    /// # Errors
    /// The errno of `BPF_PROG_LOAD` or `BPF_LINK_CREATE`.
    pub(crate) fn attach(ifindex: u32) -> io::Result<Self> {
        let mut load = ProgLoad {
            kind: BPF_PROG_TYPE_XDP,
            instruction_count: 2,
            instructions: XDP_DROP.as_ptr() as u64,
            license: c"GPL".as_ptr() as u64,
        };
        let program = owned(bpf(BPF_PROG_LOAD, &mut load)?);
        let mut create = LinkCreate {
            program: program.as_raw_fd().cast_unsigned(),
            target_ifindex: ifindex,
            attach_type: BPF_XDP,
            flags: XDP_FLAGS_SKB_MODE,
        };
        let link = owned(bpf(BPF_LINK_CREATE, &mut create)?);
        Ok(Self {
            _link: link,
            _program: program,
        })
    }
}

/// The ids of all loaded programs or existing maps.
///
/// # Errors
/// The errno of `BPF_PROG_GET_NEXT_ID` or `BPF_MAP_GET_NEXT_ID`.
pub(crate) fn bpf_ids(object: Object) -> io::Result<Vec<u32>> {
    let command = match object {
        Object::Program => BPF_PROG_GET_NEXT_ID,
        Object::Map => BPF_MAP_GET_NEXT_ID,
    };
    let mut ids = Vec::new();
    loop {
        let start = ids.last().copied().unwrap_or(0);
        let mut next = NextId {
            start,
            next: 0,
            open_flags: 0,
        };
        match bpf(command, &mut next) {
            Ok(_) => ids.push(next.next),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(ids),
            Err(error) => return Err(error),
        }
    }
}

/// bpf(2) with an attribute that is a prefix of the kernel's union, which the
/// kernel takes as zero beyond the given size.
fn bpf<A>(command: libc::c_long, attribute: &mut A) -> io::Result<RawFd> {
    let attribute: *mut A = attribute;
    // SAFETY: the attribute is alive and of the given size for the whole call;
    // the pointers within it lead to statics that outlive it.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attribute, size_of::<A>()) };
    match RawFd::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}

fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: the descriptor was just made by the kernel and has no other owner.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// A packet socket that sends whole Ethernet frames from a device of the
/// thread's network namespace. It listens to no protocol, so it takes no copies
/// of what others send.
pub(crate) struct FrameSocket {
    socket: OwnedFd,
}

impl FrameSocket {
    /// Opens the socket on a device.
    ///
    /// # Errors
    /// The errno of socket(2) or bind(2).
    pub(crate) fn open(ifindex: u32) -> io::Result<Self> {
        // SAFETY: a call without pointers.
        let socket =
            unsafe { libc::socket(AF_PACKET.into(), libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if socket < 0 {
            return Err(io::Error::last_os_error());
        }
        let socket = owned(socket);
        let address = LinkAddress {
            family: AF_PACKET,
            protocol: 0,
            ifindex: ifindex.cast_signed(),
            rest: [0; 12],
        };
        // SAFETY: the address is alive and of the given size.
        let bound = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                LINK_ADDRESS_SIZE,
            )
        };
        if bound < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(Self { socket })
        }
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// The errno of send(2).
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: the frame is alive and of the given length.
        let sent = unsafe {
            libc::send(
                self.socket.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
            )
        };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }
}
