//! A report for people: a page for each host, and before them what several
//! hosts show beside each other.

mod flows;
mod host;
mod hosts;

use super::{text::Layout, wrap::wrap};
use crate::recording::fleet::Fleet;

/// Appends a report. `top` bounds the rows of several hosts.
pub fn write(out: &mut String, fleet: &Fleet, top: usize, layout: Layout) {
    let mut text = String::new();
    if fleet.only().is_none() {
        hosts::write(&mut text, fleet, top, layout);
    }
    for host in &fleet.hosts {
        if !(out.is_empty() && text.is_empty()) {
            text.push('\n');
        }
        host::write(&mut text, &host.report, layout);
    }
    wrap(out, &text, layout.width);
}
