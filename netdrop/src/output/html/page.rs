//! What every page has: the head, the way through it, its look.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{super::amount::count_text, name::moment, name::name};
use crate::recording::fleet::Fleet;

/// Nothing but what is in the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    base-uri 'none'; form-action 'none'";
const STYLE: &str = include_str!("style.css");

/// A part of a page.
pub(super) struct Section {
    pub(super) id: &'static str,
    /// Its name where there is little room.
    pub(super) short: &'static str,
    pub(super) title: &'static str,
    pub(super) body: Markup,
}

/// A page.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// What it is of, below the title.
    pub(super) about: &'a Markup,
    pub(super) sections: Vec<Section>,
}

impl Page<'_> {
    pub(super) fn render(&self) -> String {
        let Self {
            title,
            about,
            sections,
        } = self;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    meta name="generator" content=(concat!("netdrop ", env!("CARGO_PKG_VERSION")));
                    link rel="icon" href="data:,";
                    title { (name(title)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "Skip to the answer" }
                    header {
                        h1 { (name(title)) }
                        (about)
                        (theme())
                    }
                    nav aria-label="Sections" {
                        ul {
                            @for section in sections {
                                li { a href=(format!("#{}", section.id)) { (section.short) } }
                            }
                        }
                    }
                    main #main tabindex="-1" {
                        @for Section { id, title, body, .. } in sections {
                            section #(id) aria-labelledby=(format!("h-{id}")) {
                                h2 #(format!("h-{id}")) { (title) }
                                (body)
                            }
                        }
                    }
                    footer {
                        p {
                            "Made by netdrop " (env!("CARGO_PKG_VERSION"))
                            ". Times are UTC. This page is complete in itself and asks for nothing \
                            from the network."
                        }
                    }
                }
            }
        }
        .into_string()
    }
}

/// Light, dark, or as the reader's system is; without a script.
fn theme() -> Markup {
    html! {
        fieldset.theme {
            legend { "Colours" }
            @for (id, label) in [("auto", "system"), ("light", "light"), ("dark", "dark")] {
                label {
                    input type="radio" name="theme" id=(format!("theme-{id}")) checked[id == "auto"];
                    " " (label)
                }
            }
        }
    }
}

/// Which recordings a report is of.
pub(super) fn about(fleet: &Fleet) -> Markup {
    let files: Vec<&str> = fleet
        .hosts
        .iter()
        .flat_map(|host| host.report.pieces.iter().map(|piece| &*piece.file))
        .collect();
    html! {
        p.about {
            @if let Some(host) = fleet.only() {
                @let header = &host.report.header;
                "Linux " (name(&header.kernel))
                @if let Some(cpus) = header.cpus { ", " (count_text(cpus.into(), "CPU")) }
                ". "
            } @else {
                (count_text(fleet.hosts.len() as u64, "host")) ". "
            }
            @if let Some((first, last)) = fleet.span() {
                "Recorded from " (moment(first)) " to " (moment(last)) ". "
            } @else {
                "There is no whole interval in it. "
            }
            @match &*files {
                [file] => { "From " code { (name(file)) } "." }
                files => { "From " (count_text(files.len() as u64, "recording")) "." }
            }
            @if let Some(filter) = fleet.hosts.iter().find_map(|host| host.report.header.filter.as_deref()) {
                " Recorded with the filter " code { (name(filter)) } "."
            }
            @if let Some(filter) = fleet.hosts.iter().find_map(|host| host.report.wanted.as_deref()) {
                " Only: " code { (name(filter)) } "."
            }
        }
    }
}
