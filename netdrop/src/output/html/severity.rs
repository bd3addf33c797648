//! Severities, told by word and sign, never by colour alone.

use maud::{Markup, html};

use crate::{drops::severity::Severity, recording::report::chart::Drops};

/// A severity's sign and word.
pub(super) fn badge(severity: Option<Severity>) -> Markup {
    let Some(severity) = severity else {
        return html! { "–" };
    };
    html! {
        span class=(format!("sev {severity}")) {
            span aria-hidden="true" { (sign(severity)) } " " (severity)
        }
    }
}

/// How many of each.
pub(super) fn counts(drops: Drops) -> Markup {
    let Drops {
        harmful,
        suspicious,
        benign,
    } = drops;
    let all = [
        (Severity::Harmful, harmful),
        (Severity::Suspicious, suspicious),
        (Severity::Benign, benign),
    ];
    html! {
        @for (severity, count) in all.into_iter().filter(|(_, count)| *count > 0) {
            span class=(format!("sev {severity}")) {
                span aria-hidden="true" { (sign(severity)) }
                " " (super::super::amount::grouped(count)) " " (severity)
            }
            " "
        }
    }
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Harmful => "▲",
        Severity::Suspicious => "◆",
        Severity::Benign => "●",
    }
}
