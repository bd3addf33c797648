//! Questions that user space answers, about a row of drops.

use netdrop_ebpf::kleene;

use crate::drops::{severity::Severity, stage::Stage};

use super::tree::{Netns, Term};

/// What is known of all drops of a row; `None` is unknown.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Name of the drop reason.
    pub reason: Option<&'a str>,
    /// Stage of the network stack.
    pub stage: Option<Stage>,
    /// Kernel function.
    pub function: Option<&'a str>,
    /// Device.
    pub device: Option<&'a str>,
    /// Inode number of the network namespace.
    pub netns: Option<u32>,
    /// Name of the network namespace.
    pub netns_name: Option<&'a str>,
    /// CPU.
    pub cpu: u16,
    /// Severity.
    pub severity: Severity,
}

impl Row<'_> {
    /// The answer; unread where it is unknown, or not this module's question.
    #[must_use]
    pub fn value(&self, term: &Term) -> u32 {
        let known = |found: Option<bool>| found.map_or(kleene::UNREAD, kleene::known);
        match term {
            Term::Reason(pattern) => known(self.reason.map(|name| pattern.matches(name))),
            Term::Stage(stage) if *stage == Stage::unknown() => {
                known(self.stage.map(|found| found == *stage))
            }
            Term::Stage(stage) => known(
                self.stage
                    .filter(|found| *found != Stage::unknown())
                    .map(|found| found == *stage),
            ),
            Term::Function(pattern) => known(self.function.map(|name| pattern.matches(name))),
            Term::Device(pattern) => known(self.device.map(|name| pattern.matches(name))),
            Term::Netns(Netns::Inode(inode)) => known(self.netns.map(|found| found == *inode)),
            // One that is gone may have had any name.
            Term::Netns(Netns::Name(pattern)) => {
                known(self.netns_name.map(|name| pattern.matches(name)))
            }
            Term::Cpu(cpu) => kleene::known(self.cpu == *cpu),
            Term::Severity(severity) => kleene::known(self.severity == *severity),
            _ => kleene::UNREAD,
        }
    }
}
