//! Where packets die, kernel by kernel: the one table of expectations, theme by
//! theme in the files below.
//!
//! A reason that a kernel does not know yet is `NOT_SPECIFIED` there, and null
//! where `skb:kfree_skb` has no reason argument; both follow from the running
//! kernel and need no line here. A line is needed where a death moved to another
//! function, or where a kernel knows the reason but does not give it yet.

use serde_json::Value;

use crate::{
    kernel::{Kernel, bare},
    netdrop::record::{Row, Severity},
};

mod device;
mod ip;
mod netfilter;
mod send;
mod tcp;
mod transport;
mod tunnel;

pub(crate) use self::{device::*, ip::*, netfilter::*, send::*, tcp::*, transport::*, tunnel::*};

/// A place of death.
pub(crate) type Site = [Since];

/// How a place looks from some version on.
#[derive(Clone, Copy)]
pub(crate) struct Since {
    version: (u32, u32),
    reason: &'static str,
    /// Any of these, as inlining differs from build to build.
    functions: &'static [&'static str],
    direction: Option<&'static str>,
    stage: &'static str,
    hook: Option<&'static str>,
    severity: Severity,
    /// Stage and severity where the kernel has no name for the reason and says
    /// [`NONE`].
    nameless: (&'static str, Severity),
    /// The same where the kernel has no reasons at all.
    reasonless: (&'static str, Severity),
}

/// What must be seen on the running kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) reason: Option<&'static str>,
    pub(crate) functions: &'static [&'static str],
    /// The keys of a row that the place determines, and their values.
    pub(crate) keys: [(&'static str, Option<&'static str>); 3],
    pub(crate) severity: Severity,
}

impl Seen {
    /// Whether a row that is split by reason and function belongs to the site.
    pub(crate) fn is_of(&self, row: &Row) -> bool {
        let function = row.key("function").as_str().map(bare);
        *row.key("reason") == Value::from(self.reason)
            && function.is_some_and(|function| self.functions.contains(&function))
    }

    /// Whether reason and function cannot tell the two apart.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.reason == other.reason && self.functions == other.functions
    }
}

/// The site as newest kernels show it.
pub(crate) fn name(site: &Site) -> String {
    site.last().map_or_else(String::new, |newest| {
        format!("{} at {}", newest.reason, newest.functions[0])
    })
}

/// The site as this kernel shows it, if it has it.
pub(crate) fn on(site: &Site, kernel: &Kernel) -> Option<Seen> {
    let since = site
        .iter()
        .rev()
        .find(|since| since.version <= kernel.version)?;
    let reason = kernel.reason(since.reason);
    let (stage, severity) = if reason == Some(since.reason) {
        (since.stage, since.severity)
    } else {
        match reason {
            Some(_) => since.nameless,
            None => since.reasonless,
        }
    };
    Some(Seen {
        reason,
        functions: since.functions,
        keys: [
            ("stage", Some(stage)),
            ("hook", since.hook),
            ("direction", since.direction),
        ],
        severity,
    })
}

use Severity::{Benign as BENIGN, Harmful as HARMFUL, Suspicious as SUSPICIOUS};

/// What the kernel says that names no reason.
const NONE: &str = "NOT_SPECIFIED";

/// The death of a packet that was received for this host, and how it matters.
const fn rx(
    reason: &'static str,
    functions: &'static [&'static str],
    stage: &'static str,
    severity: Severity,
) -> Since {
    Since {
        version: (5, 10),
        reason,
        functions,
        direction: Some("rx"),
        stage,
        hook: None,
        severity,
        // Of a place that drops for several reasons nobody can say more.
        nameless: (stage, SUSPICIOUS),
        reasonless: (stage, SUSPICIOUS),
    }
}

/// The death of a packet that this host sent.
const fn tx(
    reason: &'static str,
    functions: &'static [&'static str],
    stage: &'static str,
    severity: Severity,
) -> Since {
    Since {
        direction: Some("tx"),
        ..rx(reason, functions, stage, severity)
    }
}

/// The death of a packet that this host passes on.
const fn forward(
    reason: &'static str,
    functions: &'static [&'static str],
    stage: &'static str,
    severity: Severity,
) -> Since {
    Since {
        direction: Some("forward"),
        ..rx(reason, functions, stage, severity)
    }
}

impl Since {
    /// From this version on.
    const fn since(self, major: u32, minor: u32) -> Self {
        Self {
            version: (major, minor),
            ..self
        }
    }

    /// In a hook of netfilter.
    const fn hook(self, hook: &'static str) -> Self {
        Self {
            hook: Some(hook),
            ..self
        }
    }

    /// What is told where the kernel has no name for the reason, or no reasons.
    const fn nameless(self, stage: &'static str, severity: Severity) -> Self {
        Self {
            nameless: (stage, severity),
            reasonless: (stage, severity),
            ..self
        }
    }

    /// What is told where the kernel has no reasons.
    const fn reasonless(self, stage: &'static str, severity: Severity) -> Self {
        Self {
            reasonless: (stage, severity),
            ..self
        }
    }
}
