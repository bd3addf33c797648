//! The little of bpf(2) that the lab needs: XDP programs of a few instructions,
//! what is loaded, and how often a program ran.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd, RawFd},
};

use super::owned;

/// `r0 = XDP_DROP; exit`, each instruction eight bytes.
static XDP_DROP: [u64; 2] = [0x0000_0001_0000_00b7, 0x0000_0000_0000_0095];
/// `r0 = XDP_PASS; exit`.
static XDP_PASS: [u64; 2] = [0x0000_0002_0000_00b7, 0x0000_0000_0000_0095];
/// `r0 = 0; exit`.
static CGROUP_REFUSE: [u64; 2] = [0x0000_0000_0000_00b7, 0x0000_0000_0000_0095];

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_PROG_GET_NEXT_ID: libc::c_long = 11;
const BPF_MAP_GET_NEXT_ID: libc::c_long = 12;
const BPF_PROG_GET_FD_BY_ID: libc::c_long = 13;
const BPF_OBJ_GET_INFO_BY_FD: libc::c_long = 15;
const BPF_LINK_CREATE: libc::c_long = 28;
const BPF_ENABLE_STATS: libc::c_long = 32;

const BPF_STATS_RUN_TIME: u32 = 0;

const BPF_PROG_TYPE_XDP: u32 = 6;
const BPF_XDP: u32 = 37;
const XDP_FLAGS_SKB_MODE: u32 = 2;
const XDP_FLAGS_DRV_MODE: u32 = 4;
const BPF_PROG_TYPE_CGROUP_SKB: u32 = 8;
const BPF_CGROUP_INET_EGRESS: u32 = 1;

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
    target: u32,
    attach_type: u32,
    flags: u32,
}

#[repr(C)]
struct NextId {
    start: u32,
    next: u32,
    open_flags: u32,
}

#[repr(C)]
struct ObjectInfo {
    fd: u32,
    length: u32,
    info: u64,
}

/// `struct bpf_prog_info` up to `recursion_misses` (5.12 and later; `run_cnt` is
/// there from 5.1 on).
#[repr(C)]
struct ProgramInfo {
    before_name: [u8; 64],
    name: [u8; 16],
    before_runs: [u8; 120],
    run_count: u64,
    recursion_misses: u64,
}

const PROGRAM_INFO_SIZE: u32 = 216;
const _: () = assert!(size_of::<ProgramInfo>() == 216);

/// How often a program was called, on all CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calls {
    /// Runs to the end, while there were [`Stats`].
    pub(crate) runs: u64,
    /// Calls that the kernel left out, because the program was running already
    /// on that CPU; 0 on kernels that do not count them.
    pub(crate) missed: u64,
}

/// Which kind of BPF object a look-up means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Object {
    Program,
    Map,
}

/// Where a program that refuses every packet is attached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refuse {
    /// XDP on a device with this index, by the driver or, generic, by the stack.
    Xdp { ifindex: u32, native: bool },
    /// What the sockets of a control group send; its open directory.
    CgroupEgress(RawFd),
}

/// A program that refuses every packet. Detached when dropped.
pub(crate) struct Refusal {
    _link: OwnedFd,
    _program: OwnedFd,
}

impl Refusal {
    /// Loads the program and attaches it by a link (5.9 and later).
    ///
    /// # Errors
    /// The errno of `BPF_PROG_LOAD` or `BPF_LINK_CREATE`.
    pub(crate) fn attach(what: Refuse) -> io::Result<Self> {
        let (kind, instructions, target, attach_type, flags) = match what {
            Refuse::Xdp { ifindex, native } => {
                let flags = if native {
                    XDP_FLAGS_DRV_MODE
                } else {
                    XDP_FLAGS_SKB_MODE
                };
                (BPF_PROG_TYPE_XDP, &XDP_DROP, ifindex, BPF_XDP, flags)
            }
            Refuse::CgroupEgress(directory) => (
                BPF_PROG_TYPE_CGROUP_SKB,
                &CGROUP_REFUSE,
                directory.cast_unsigned(),
                BPF_CGROUP_INET_EGRESS,
                0,
            ),
        };
        let (program, link) = attach(kind, instructions, target, attach_type, flags)?;
        Ok(Self {
            _link: link,
            _program: program,
        })
    }
}

/// An XDP program of a device's driver that lets every packet pass. Detached when
/// dropped.
pub(crate) struct Accept {
    _link: OwnedFd,
    _program: OwnedFd,
}

impl Accept {
    /// Loads the program and attaches it to the device with this index.
    ///
    /// # Errors
    /// The errno of `BPF_PROG_LOAD` or `BPF_LINK_CREATE`.
    pub(crate) fn attach(ifindex: u32) -> io::Result<Self> {
        let (program, link) = attach(
            BPF_PROG_TYPE_XDP,
            &XDP_PASS,
            ifindex,
            BPF_XDP,
            XDP_FLAGS_DRV_MODE,
        )?;
        Ok(Self {
            _link: link,
            _program: program,
        })
    }
}

/// An XDP program of a device's driver that sends every packet out of another
/// device, as it is: it does not become what the stack calls a packet. Detached
/// when dropped.
pub(crate) struct Redirect {
    _link: OwnedFd,
    _program: OwnedFd,
}

impl Redirect {
    /// Loads the program and attaches it to the device with the first index; the
    /// other is where packets leave.
    ///
    /// # Errors
    /// The errno of `BPF_PROG_LOAD` or `BPF_LINK_CREATE`.
    pub(crate) fn attach(ifindex: u32, to: u32) -> io::Result<Self> {
        // r1 = to; r2 = 0; call bpf_redirect; exit
        let instructions = [
            u64::from(to) << 32 | 0x01b7,
            0x02b7,
            0x0000_0017_0000_0085,
            0x0000_0000_0000_0095,
        ];
        let (program, link) = attach(
            BPF_PROG_TYPE_XDP,
            &instructions,
            ifindex,
            BPF_XDP,
            XDP_FLAGS_DRV_MODE,
        )?;
        Ok(Self {
            _link: link,
            _program: program,
        })
    }
}

/// Loads a program and attaches it by a link; both live as long as their
/// descriptors.
fn attach(
    kind: u32,
    instructions: &[u64],
    target: u32,
    attach_type: u32,
    flags: u32,
) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut load = ProgLoad {
        kind,
        instruction_count: u32::try_from(instructions.len()).map_err(io::Error::other)?,
        instructions: instructions.as_ptr() as u64,
        license: c"GPL".as_ptr() as u64,
    };
    let program = owned(bpf(BPF_PROG_LOAD, &mut load)?);
    let mut create = LinkCreate {
        program: program.as_raw_fd().cast_unsigned(),
        target,
        attach_type,
        flags,
    };
    let link = owned(bpf(BPF_LINK_CREATE, &mut create)?);
    Ok((program, link))
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
    // what the pointers within it lead to outlives it.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attribute, size_of::<A>()) };
    match RawFd::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Lets the kernel count the runs of every BPF program while it lives.
pub(crate) struct Stats {
    _enabled: OwnedFd,
}

impl Stats {
    /// Switches the counting on (5.8 and later).
    ///
    /// # Errors
    /// The errno of `BPF_ENABLE_STATS`.
    pub(crate) fn enable() -> io::Result<Self> {
        let mut run_time = BPF_STATS_RUN_TIME;
        Ok(Self {
            _enabled: owned(bpf(BPF_ENABLE_STATS, &mut run_time)?),
        })
    }
}

/// A loaded program, kept in the kernel while this lives, whoever loaded it.
pub(crate) struct Program {
    fd: OwnedFd,
}

impl Program {
    /// Opens a program by its id.
    ///
    /// # Errors
    /// The errno of `BPF_PROG_GET_FD_BY_ID`.
    pub(crate) fn open(id: u32) -> io::Result<Self> {
        let mut of = NextId {
            start: id,
            next: 0,
            open_flags: 0,
        };
        Ok(Self {
            fd: owned(bpf(BPF_PROG_GET_FD_BY_ID, &mut of)?),
        })
    }

    /// Its name, as far as the kernel keeps it.
    ///
    /// # Errors
    /// The errno of `BPF_OBJ_GET_INFO_BY_FD`.
    pub(crate) fn name(&self) -> io::Result<String> {
        let name = self.info()?.name;
        let bytes = name.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// How often it was called.
    ///
    /// # Errors
    /// The errno of `BPF_OBJ_GET_INFO_BY_FD`.
    pub(crate) fn calls(&self) -> io::Result<Calls> {
        let info = self.info()?;
        Ok(Calls {
            runs: info.run_count,
            missed: info.recursion_misses,
        })
    }

    fn info(&self) -> io::Result<ProgramInfo> {
        let mut info = ProgramInfo {
            before_name: [0; 64],
            name: [0; 16],
            before_runs: [0; 120],
            run_count: 0,
            recursion_misses: 0,
        };
        let mut get = ObjectInfo {
            fd: self.fd.as_raw_fd().cast_unsigned(),
            length: PROGRAM_INFO_SIZE,
            info: (&raw mut info) as u64,
        };
        bpf(BPF_OBJ_GET_INFO_BY_FD, &mut get)?;
        Ok(info)
    }
}
