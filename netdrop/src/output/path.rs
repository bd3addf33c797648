//! The way of a packet through this host, for people.

pub mod json;
mod reading;

use std::sync::Arc;

use jiff::Timestamp;

use self::reading::{grouped, settings};
use super::{escape::escape, page::Page, reconcile, text::Layout, wrap::wrap};
use crate::{
    drops::severity::Severity,
    host::{
        counters::{Scope, sockets::SocketKind},
        netns::{Identity, NetnsKind},
    },
    path::{At, Finding, Journey},
    reconcile::Reconciliation,
};

/// Where and when.
#[derive(Clone, Debug)]
pub struct Heading<'a> {
    /// The end of what was looked at.
    pub time: Timestamp,
    /// The host's name.
    pub host: String,
    /// The kernel's release.
    pub kernel: String,
    /// The namespace's name.
    pub identity: Option<&'a Identity>,
}

/// What to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Counters that counted nothing, too.
    pub all: bool,
}

/// One report.
#[must_use]
pub fn text(journey: &Journey, heading: &Heading<'_>, layout: Layout, options: Options) -> String {
    let mut page = Page::new(layout);
    title(&mut page, journey, heading);
    page.gap();
    findings(&mut page, journey);
    let mut shown = Vec::new();
    for (path, title) in [("rx", "Receiving"), ("tx", "Sending")] {
        page.gap();
        page.title(title);
        for at in &journey.stages {
            if at.stage.info().path == path {
                stage(&mut page, at, journey, options, &mut shown);
            }
        }
    }
    if !journey.unread.is_empty() {
        page.gap();
        page.title("Not read");
        for unread in &journey.unread {
            page.paragraph(&format!(
                "{}: {}",
                escape(&unread.what),
                escape(&unread.why)
            ));
        }
    }
    reminder(&mut page, journey);
    page.gap();
    let mut text = page.finish();
    if let Some(Reconciliation { lines, terms }) = &journey.reconciliation {
        reconcile::write(&mut text, lines, terms, layout.palette);
    }
    let mut out = String::new();
    wrap(&mut out, &text, layout.width);
    out
}

fn title(page: &mut Page, journey: &Journey, heading: &Heading<'_>) {
    let Heading {
        time,
        host,
        kernel,
        identity,
    } = heading;
    let name = match identity {
        Some(identity) => format!("{} ({})", journey.netns, escape(&identity.name)),
        None => journey.netns.to_string(),
    };
    // Nothing tells when a namespace was made.
    let later = match identity {
        Some(identity) if identity.kind != NetnsKind::Host => ", or since the namespace was made",
        _ => "",
    };
    let what = match (journey.interval, journey.uptime) {
        (Some(interval), _) => format!("counted in {:.1} s", interval.as_secs_f64()),
        (None, Some(uptime)) => format!("counted since boot, {} ago{later}", ago(uptime)),
        (None, None) => format!("counted since boot{later}"),
    };
    page.note(&format!(
        "{time:.0}  {}, Linux {}, network namespace {name}: {what}",
        escape(host),
        escape(kernel)
    ));
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn findings(page: &mut Page, journey: &Journey) {
    page.title("What is wrong");
    if journey.findings.is_empty() {
        page.paragraph(if journey.interval.is_some() {
            "Nothing, as far as the rules can tell."
        } else {
            "Nothing, as far as the rules can tell since boot; --interval 5s looks at what happens \
             now."
        });
        return;
    }
    for finding in &journey.findings {
        let Finding {
            id,
            severity,
            stage,
            since_boot,
            finding,
            evidence,
            remedy,
            undo,
            scope,
        } = finding;
        page.finding(
            stage.id(),
            id,
            (*severity != Severity::Benign).then_some(*severity),
        );
        page.paragraph_below(&capital(&escape(finding), scope.device()));
        if *since_boot {
            page.paragraph_below(
                "Counted since boot: it may be long over. --interval 5s looks at what happens now.",
            );
        }
        page.field("  evidence", &escape(evidence));
        page.field("  remedy", &escape(remedy));
        page.field("  undo", &escape(undo));
    }
    let listeners = journey.sockets.iter().filter(|socket| {
        socket.kind == SocketKind::Listener && socket.is_full() && socket.holder.is_none()
    });
    if listeners.count() > 0 && !nix::unistd::geteuid().is_root() {
        page.note("Processes of other users are named only to root.");
    }
}

/// A device's name stays as it is.
fn capital(text: &str, device: Option<&Arc<str>>) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if !device.is_some_and(|device| text.starts_with(&**device)) => {
            first.to_uppercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

/// A counter that stands at several stages is shown at the first of them.
fn stage(page: &mut Page, at: &At, journey: &Journey, options: Options, shown: &mut Vec<String>) {
    let interval = journey.interval.is_some();
    let info = at.stage.info();
    page.stage(info.id, info.name);
    let fresh: Vec<_> = at
        .counters
        .iter()
        .filter(|reading| {
            let counter = &reading.counter;
            let key = format!("{} {}", counter.scope, counter.name);
            !shown.contains(&key)
        })
        .collect();
    wrong(page, at, journey);
    let (traffic, loss): (Vec<_>, Vec<_>) = fresh
        .iter()
        .partition(|reading| at.is_traffic(&reading.counter));
    let (moved, mut now, quiet) = grouped(&loss, interval, options.all);
    let (passed, also, _) = grouped(&traffic, interval, options.all);
    now.extend(also);
    if !moved.is_empty() {
        page.field("  counted", &moved.join("; "));
    }
    if !passed.is_empty() {
        page.field("  traffic", &passed.join("; "));
    }
    if !now.is_empty() {
        page.field("  now", &now.join("; "));
    }
    if quiet > 0 {
        let nothing = if interval { "did not move" } else { "are 0" };
        let nothing = match (quiet, interval) {
            (1, false) => "is 0",
            _ => nothing,
        };
        let s = if quiet == 1 { "" } else { "s" };
        page.field("  quiet", &format!("{quiet} counter{s} {nothing}"));
    }
    let set = settings(&at.tunables, journey.devices, options.all);
    if !set.is_empty() {
        page.field("  set", &set.join("; "));
    }
    shown.extend(fresh.iter().map(|reading| {
        let counter = &reading.counter;
        format!("{} {}", counter.scope, counter.name)
    }));
}

/// The rules that found something at a stage, and where.
fn wrong(page: &mut Page, at: &At, journey: &Journey) {
    let found: Vec<&Finding> = journey
        .findings
        .iter()
        .filter(|finding| finding.stage == at.stage)
        .collect();
    let Some(severity) = found.iter().map(|finding| finding.severity).max() else {
        return;
    };
    let found: Vec<String> = found
        .iter()
        .map(|finding| match &finding.scope {
            Scope::Host | Scope::Netns => finding.id.to_owned(),
            scope => format!("{} ({})", finding.id, escape(&scope.to_string())),
        })
        .collect();
    page.marked("  wrong", &found.join(", "), severity);
}

/// Once more at the end, since the beginning is off the screen by then.
fn reminder(page: &mut Page, journey: &Journey) {
    let mut ids: Vec<&str> = journey.findings.iter().map(|finding| finding.id).collect();
    ids.dedup();
    if !ids.is_empty() {
        page.gap();
        page.note(&format!("Wrong, see the top: {}.", ids.join(", ")));
    }
}

#[cfg(test)]
mod tests;
