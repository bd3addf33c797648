//! Counters against traced drops, for people.

use std::{fmt::Write as _, time::Duration};

use super::{amount::count_text, escape::escape, palette::Palette};
use crate::reconcile::{Line, Part, Terms, unexplained};

/// Drops named behind a counter at most.
const MOST_PARTS: usize = 3;

/// Appends the counters, and how far to trust them.
pub fn write(out: &mut String, lines: &[Line], terms: &Terms, palette: Palette) {
    let _ = writeln!(
        out,
        "\n{}",
        palette.bold("kernel counters against traced drops")
    );
    if lines.is_empty() {
        let _ = writeln!(out, "  no counter of loss moved");
    } else {
        table(out, lines, palette);
    }
    for sentence in sentences(lines, terms) {
        let _ = writeln!(out, "  {}", palette.dim(&sentence));
    }
}

fn table(out: &mut String, lines: &[Line], palette: Palette) {
    let cells: Vec<[String; 5]> = lines
        .iter()
        .map(|line| {
            [
                escape(&line.counter).into_owned(),
                escape(&line.scope).into_owned(),
                line.delta.to_string(),
                line.traced.to_string(),
                line.unexplained.to_string(),
            ]
        })
        .collect();
    let titles = ["COUNTER", "SCOPE", "DELTA", "TRACED", "UNEXPLAINED"];
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let cells = cells.iter().map(|row| row[column].chars().count());
        cells.chain([titles[column].len()]).max().unwrap_or(0)
    });
    let [counter, scope, delta, traced, rest] = widths;
    let row = |cells: [&str; 5]| {
        format!(
            "  {:counter$}  {:scope$}  {:>delta$}  {:>traced$}  {:>rest$}",
            cells[0], cells[1], cells[2], cells[3], cells[4]
        )
    };
    let _ = writeln!(out, "{}  BY", palette.bold(&row(titles)));
    for (line, cells) in lines.iter().zip(&cells) {
        let cells = std::array::from_fn(|column| cells[column].as_str());
        let _ = writeln!(out, "{}  {}", row(cells), by(line));
        if let Some(note) = &line.note {
            let _ = writeln!(out, "    {}", palette.dim(&escape(note)));
        }
    }
}

/// The drops behind a counter, and what else is to be told of it.
#[must_use]
pub fn by(line: &Line) -> String {
    let named = line.by.iter().take(MOST_PARTS).map(|part| {
        let Part {
            reason,
            function,
            stage,
            drops,
        } = part;
        let what = reason
            .as_deref()
            .filter(|reason| *reason != "NOT_SPECIFIED");
        let what = what.or(function.as_deref()).unwrap_or(stage);
        format!("{} {drops}", escape(what))
    });
    let mut said: Vec<String> = named.collect();
    if line.by.len() > MOST_PARTS {
        said.push(format!("{} more", line.by.len() - MOST_PARTS));
    }
    if line.excess > 0 {
        said.push(format!("{} of them not counted", line.excess));
    }
    if line.repeated > 0 {
        said.push(format!("{} unexplained in another, too", line.repeated));
    }
    said.join(", ")
}

/// What all of it comes to, and how far to trust it.
#[must_use]
pub fn sentences(lines: &[Line], terms: &Terms) -> Vec<String> {
    let Terms {
        netns,
        skew,
        uncounted,
        untold,
        reset,
        late,
    } = terms;
    let mut said = Vec::new();
    if !lines.is_empty() {
        said.push(match unexplained(lines) {
            0 => "every loss that a counter counted is explained".to_owned(),
            rest => format!("unexplained, no loss counted twice: {rest}"),
        });
    }
    if *uncounted > 0 {
        let drops = count_text(*uncounted, "traced drop");
        said.push(format!("{drops} that no counter counted"));
    }
    if *untold > 0 {
        let drops = count_text(*untold, "drop");
        said.push(format!(
            "{drops} had no room in the tables and may be what is unexplained"
        ));
    }
    for counter in reset {
        said.push(format!(
            "{} began again: what it counted is not known",
            escape(counter)
        ));
    }
    for counter in late {
        said.push(format!(
            "{} was first seen later than the start: it counts from then on, and what it counted \
             before is not known",
            escape(counter)
        ));
    }
    let skew = skew.map_or_else(
        || "not known how far apart".to_owned(),
        |skew| format!("at most {} apart", milliseconds(skew)),
    );
    said.push(format!(
        "counters of network namespace {netns} and of the host; counters and drops were read {skew}"
    ));
    said
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_tells_what_remains_and_why() {
        let line = |counter: &str, delta: u64, traced: u64, repeated: u64| Line {
            counter: counter.to_owned(),
            scope: "netns".to_owned(),
            delta,
            traced,
            unexplained: delta - traced,
            repeated,
            excess: 0,
            by: vec![Part {
                reason: Some("TCP_LISTEN_OVERFLOW".to_owned()),
                function: Some("tcp_v4_rcv".to_owned()),
                stage: "rx_acceptq".to_owned(),
                drops: traced,
            }],
            note: (delta > traced).then(|| "a SYN".to_owned()),
        };
        let lines = [
            line("TcpExt.ListenDrops", 14, 7, 5),
            line("TcpExt.ListenOverflows", 12, 7, 0),
        ];
        let terms = Terms {
            netns: 4_026_531_840,
            skew: Some(Duration::from_micros(1250)),
            uncounted: 1,
            ..Terms::default()
        };
        let mut out = String::new();
        write(&mut out, &lines, &terms, Palette::default());
        assert_eq!(
            out,
            "
kernel counters against traced drops
  COUNTER                 SCOPE  DELTA  TRACED  UNEXPLAINED  BY
  TcpExt.ListenDrops      netns     14       7            7  TCP_LISTEN_OVERFLOW 7, 5 unexplained in another, too
    a SYN
  TcpExt.ListenOverflows  netns     12       7            5  TCP_LISTEN_OVERFLOW 7
    a SYN
  unexplained, no loss counted twice: 7
  1 traced drop that no counter counted
  counters of network namespace 4026531840 and of the host; counters and drops were read at most 1.2 ms apart
"
        );
    }
}
