//! Pages for a browser: one file each, complete in itself, which works without
//! scripts and asks for nothing from anywhere.
//!
//! Comes in: what recordings show. Goes out: HTML. Every text goes through
//! [`name`] or is a constant: names of commands, hosts and namespaces are chosen
//! by others.

mod accounting;
mod answer;
mod axis;
mod chart;
mod diff;
mod ending;
mod facts;
mod flows;
mod heat;
mod histograms;
mod hosts;
mod name;
mod page;
mod reasons;
mod reconciliation;
mod rows;
mod severity;
mod stages;
mod table;
mod timeline;

#[cfg(test)]
mod tests;

use self::page::{Page, Section};
use super::diff::Compared;
use crate::recording::fleet::Fleet;

/// The page of a report. `top` bounds the rows of several hosts.
#[must_use]
pub fn report(fleet: &Fleet, top: usize) -> String {
    let chart = chart::Chart::of(fleet);
    let sections = [
        Some(answer::section(fleet)),
        hosts::section(fleet),
        timeline::section(fleet, chart.as_ref()),
        Some(stages::section(fleet)),
        heat::section(fleet, chart.as_ref()),
        Some(rows::section(fleet, top)),
        reasons::section(fleet),
        Some(flows::section(fleet, top)),
        Some(histograms::section(fleet)),
        reconciliation::section(fleet),
        Some(accounting::section(fleet)),
        Some(facts::section(fleet)),
        Some(ending::section(fleet)),
    ];
    let names: Vec<&str> = fleet.hosts.iter().map(|host| &*host.name).collect();
    Page {
        title: &format!("Where packets died: {}", names.join(", ")),
        about: &page::about(fleet),
        sections: sections.into_iter().flatten().collect(),
    }
    .render()
}

/// The page of a comparison.
#[must_use]
pub fn diff(compared: &Compared<'_>) -> String {
    Page {
        title: "What differs between two recordings",
        about: &diff::about(compared),
        sections: diff::sections(compared),
    }
    .render()
}

/// A section with a heading.
fn section(
    id: &'static str,
    short: &'static str,
    title: &'static str,
    body: maud::Markup,
) -> Section {
    Section {
        id,
        short,
        title,
        body,
    }
}
