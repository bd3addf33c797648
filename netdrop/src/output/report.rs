//! A report for people: a page for each host, and before them what several
//! hosts show beside each other.

mod flows;
mod host;
mod hosts;

use super::text::Layout;
use crate::recording::fleet::Fleet;

/// Appends a report. `top` bounds the rows of several hosts.
pub fn write(out: &mut String, fleet: &Fleet, top: usize, layout: Layout) {
    if fleet.only().is_none() {
        hosts::write(out, fleet, top, layout);
    }
    for host in &fleet.hosts {
        if !out.is_empty() {
            out.push('\n');
        }
        host::write(out, &host.report, layout);
    }
}
