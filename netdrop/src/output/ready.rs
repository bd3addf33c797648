//! What is said once every hook is attached.

use jiff::Timestamp;

use crate::{filter::plan::Plan, kernel::capture::HookStatus};

/// Every drop after this is counted.
#[derive(Clone, Debug)]
pub struct Ready<'a> {
    /// When.
    pub time: Timestamp,
    /// Version of netdrop.
    pub version: &'a str,
    /// Name of the host.
    pub host: &'a str,
    /// Release of the kernel.
    pub kernel: &'a str,
    /// The filter as it was given, and who decides what of it; where hosts are hidden,
    /// only that there is one.
    pub filter: Option<(&'a str, Option<&'a Plan>)>,
    /// The hooks, attached or not.
    pub hooks: &'a [HookStatus],
    /// What the user should know.
    pub warnings: &'a [String],
}
