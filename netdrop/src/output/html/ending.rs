//! The recordings, and how each of them ended.

use maud::{Markup, html};

use super::{
    super::{amount::duration_text, singles::remark},
    name::{moment, name, number},
    page::Section,
    table::{numbers, table, words},
};
use crate::recording::{fleet::Fleet, read::End};

/// Lines at most.
const MOST: usize = 200;

pub(super) fn section(fleet: &Fleet) -> Section {
    let columns = [
        words("File"),
        words("Host"),
        numbers("Intervals"),
        words("From"),
        words("To"),
        words("End"),
    ];
    let mut rows: Vec<Vec<Markup>> = Vec::new();
    for host in &fleet.hosts {
        for piece in &host.report.pieces {
            let (first, last) = piece.span.unzip();
            let time = |time: Option<_>| html! { @if let Some(time) = time { (moment(time)) } @else { "–" } };
            rows.push(vec![
                html! { code { (name(&piece.file)) } },
                name(&host.name),
                number(piece.intervals),
                time(first),
                time(last),
                end(&piece.end),
            ]);
        }
    }
    let all = rows.len();
    rows.truncate(MOST);
    let gaps: Vec<_> = fleet
        .hosts
        .iter()
        .flat_map(|host| host.report.gaps().into_iter().map(move |gap| (host, gap)))
        .collect();
    let pieces = fleet.hosts.iter().flat_map(|host| &host.report.pieces);
    let remarks = pieces
        .filter_map(|piece| Some((&piece.file, remark(piece.singles?)?)))
        .take(MOST);
    let body = html! {
        (table("Recordings", &columns, &rows))
        @for (file, text) in remarks {
            p.note { code { (name(file)) } ": " (text) }
        }
        @if all > rows.len() { p.note { (all - rows.len()) " more." } }
        @if !gaps.is_empty() {
            h3 { "Not recorded" }
            ul {
                @for (host, (from, to)) in gaps.iter().take(MOST) {
                    li {
                        (name(&host.name)) ": " (moment(*from)) " to " (moment(*to)) " ("
                        (duration_text(to.duration_since(*from).as_secs_f64())) ")"
                    }
                }
                @if gaps.len() > MOST { li { (gaps.len() - MOST) " more gaps" } }
            }
        }
    };
    super::section(
        "ending",
        "Recording",
        "The recording, and how it ended",
        body,
    )
}

/// How one ended.
pub(super) fn end(end: &End) -> Markup {
    html! {
        @match end {
            End::Closed(why) => { "closed (" (name(why)) ")" }
            other => { strong.warn { (name(&other.to_string())) } }
        }
    }
}
