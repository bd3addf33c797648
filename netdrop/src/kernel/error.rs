//! Why a capture could not start or go on.

use std::io;

use super::{btf::BtfError, offsets::OffsetError};

/// Why a capture could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The kernel's type information cannot be used.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// A structure is not as the programs need it.
    #[error(transparent)]
    Offsets(#[from] OffsetError),
    /// Type information that only the loader reads.
    #[error("cannot read the kernel's type information: {0}")]
    Types(String),
    /// No `skb:kfree_skb`.
    #[error(
        "this kernel has no tracepoint skb:kfree_skb; netdrop needs Linux 5.10 or later with CONFIG_TRACEPOINTS and CONFIG_DEBUG_INFO_BTF"
    )]
    NoTracepoint,
    /// The list of CPUs.
    #[error("cannot read {file}")]
    Cpus {
        /// The file.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Not allowed.
    #[error("cannot load eBPF programs: needs CAP_BPF and CAP_PERFMON; run with sudo")]
    Permission,
    /// The object or its maps.
    #[error("cannot load the kernel programs")]
    Load(#[source] Box<aya::EbpfError>),
    /// One program.
    #[error("the kernel refused the program of {hook}; `netdrop doctor` tells what is missing")]
    Refused {
        /// The tracepoint.
        hook: &'static str,
        /// Why.
        source: Box<aya::programs::ProgramError>,
    },
    /// The built object lacks something; a fault of the build.
    #[error("the built-in eBPF object has no usable {0}; build netdrop again")]
    Object(&'static str),
    /// A map cannot be mapped, flipped or read.
    #[error("cannot {action}")]
    Map {
        /// What was tried.
        action: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A record of unknown shape.
    #[error("the event ring holds a record of {0} bytes that is no event")]
    Record(usize),
}

impl CaptureError {
    /// Tells a lack of rights from other refusals, by the error at the root.
    pub(super) fn at_start(self) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&self);
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>()
                && io.raw_os_error() == Some(libc::EPERM)
            {
                return Self::Permission;
            }
            cause = error.source();
        }
        self
    }
}
