//! Two recordings compared, for people.

use std::fmt::Write as _;

use super::{amount::count_text, escape::escape, palette::Palette, singles, text::Layout};
use crate::{
    recording::{
        diff::{Change, Diff, Side},
        read::End,
    },
    tally::row::{Field, Value, rate},
};

/// Fields that say more of another one.
const BESIDE: [&str; 4] = ["stage_by", "engine", "netns_kind", "address"];

/// A comparison and the names of the files.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// The files.
    pub files: [&'a str; 2],
    /// What differs.
    pub diff: &'a Diff,
    /// Rows to show at most.
    pub top: usize,
}

/// Appends a comparison.
pub fn write(out: &mut String, compared: &Compared<'_>, layout: Layout) {
    let Compared { files, diff, top } = *compared;
    let Layout { palette, .. } = layout;
    let names = ["before", "after "];
    for ((name, file), side) in names.iter().zip(files).zip(&diff.sides) {
        heading(out, name, file, side, palette);
    }
    if let Some(filter) = &diff.sides[0].wanted {
        let _ = writeln!(out, "only: {}", escape(filter));
    }
    if let Some(warning) = filters(&diff.sides) {
        let _ = writeln!(out, "{}", palette.warn(&warning));
    }
    let (sure, unsure): (Vec<&Change>, Vec<&Change>) =
        diff.rows.iter().partition(|change| change.is_sure());
    if diff.rows.is_empty() {
        let _ = writeln!(out, "nothing to compare: no drops in either");
        return;
    }
    if sure.is_empty() {
        let doubt = doubt(&diff.sides);
        let _ = writeln!(out, "nothing changed that could not be {doubt}");
    }
    table(out, &sure, top, palette, false);
    for section in &diff.beside {
        let _ = writeln!(out, "\n{}", palette.bold(&format!("by {}", section.by)));
        let rows: Vec<&Change> = section.rows.iter().collect();
        table(out, &rows, top, palette, false);
    }
    if !unsure.is_empty() {
        let heading = format!("could be {}", doubt(&diff.sides));
        let _ = writeln!(out, "\n{}", palette.bold(&heading));
        table(out, &unsure, top, palette, true);
    }
}

/// What else may be behind a difference.
pub(super) fn doubt(sides: &[Side; 2]) -> &'static str {
    if sides
        .iter()
        .any(|side| side.summary.accounting.undecided > 0)
    {
        "chance or undecided drops"
    } else {
        "chance"
    }
}

/// What to know where the recordings do not hold the same drops.
pub(super) fn filters(sides: &[Side; 2]) -> Option<String> {
    let [before, after] = sides.each_ref().map(|side| side.header.filter.as_deref());
    let told = |filter: Option<&str>| filter.map_or("no filter".to_owned(), |it| escape(it).into());
    (before != after).then(|| {
        format!(
            "RECORDED WITH DIFFERENT FILTERS: before: {}; after: {}. A change may be the filter's",
            told(before),
            told(after)
        )
    })
}

fn heading(out: &mut String, name: &str, file: &str, side: &Side, palette: Palette) {
    let sums = &side.summary.totals.sums;
    let seconds = side.summary.seconds;
    let _ = writeln!(
        out,
        "{}  {}  {}, Linux {}, {seconds:.1} s",
        palette.bold(name),
        escape(file),
        escape(&side.header.host),
        escape(&side.header.kernel),
    );
    let rate = rate(sums.drops(), seconds).unwrap_or_default();
    let _ = writeln!(
        out,
        "        {}, {rate:.1}/s, hidden: {}",
        count_text(sums.drops(), "drop"),
        side.summary.totals.hidden
    );
    if let Some(filter) = &side.header.filter {
        let _ = writeln!(out, "        recorded with filter: {}", escape(filter));
    }
    let accounting = &side.summary.accounting;
    if accounting.filtered > 0 {
        let _ = writeln!(out, "        filtered {}", accounting.filtered);
    }
    if accounting.undecided > 0 {
        let text = format!("NOT COUNTED: undecided {}", accounting.undecided);
        let _ = writeln!(out, "        {}", palette.warn(&text));
    }
    for line in singles::lines(side.singles, palette) {
        let _ = writeln!(out, "        {line}");
    }
    if !matches!(side.end, End::Closed(_)) {
        let text = escape(&side.end.to_string()).into_owned();
        let _ = writeln!(out, "        {}", palette.warn(&text));
    }
    if side.uncompared > 0 {
        let text = format!("{} not compared", count_text(side.uncompared, "drop"));
        let _ = writeln!(out, "        {}", palette.warn(&text));
    }
}

fn table(out: &mut String, changes: &[&Change], top: usize, palette: Palette, dim: bool) {
    if changes.is_empty() {
        return;
    }
    let title = format!(
        "{:<4}  {:>11}  {:>11}  {:>8}  WHAT",
        "", "BEFORE/S", "AFTER/S", "TIMES"
    );
    let _ = writeln!(out, "{}", palette.bold(&title));
    for change in changes.iter().take(top) {
        let [before, after] = change.rates;
        let line = format!(
            "{:<4}  {before:>11.1}  {after:>11.1}  {:>8}  {}",
            change.kind.as_str(),
            change
                .ratio()
                .filter(|ratio| *ratio > 0.0)
                .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
            what(&change.fields)
        );
        let _ = if dim {
            writeln!(out, "{}", palette.dim(&line))
        } else {
            writeln!(out, "{line}")
        };
    }
    let more = changes.len().saturating_sub(top);
    if more > 0 {
        let _ = writeln!(out, "      ({})", count_text(more as u64, "more row"));
    }
}

/// The keys of a row in a line.
pub(super) fn what(fields: &[Field]) -> String {
    let get = |name: &str| fields.iter().find(|field| field.name == name);
    let mut words = Vec::new();
    for field in fields {
        // A hook is part of its stage.
        if BESIDE.contains(&field.name) || field.name == "hook" {
            continue;
        }
        let value = match (&field.value, field.name) {
            (Value::Null, "function") => get("address").map_or(&Value::Null, |it| &it.value),
            // Named, or a part of what stands before it.
            (Value::Null, "qdisc" | "ifindex" | "netns_name") => continue,
            (value, _) => value,
        };
        let mut word = match value {
            Value::Null => "-".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) | Value::Lines(text) => escape(text).into_owned(),
        };
        if field.name == "stage"
            && let Some(Value::Text(hook)) = get("hook").map(|hook| &hook.value)
        {
            word.push('/');
            word.push_str(&escape(hook));
        }
        words.push(word);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn a_place_has_its_hook_and_not_what_told_it() {
        let text = |name, value: &str| Field {
            name,
            value: Value::Text(value.into()),
        };
        let fields = [
            text("stage", "netfilter"),
            text("hook", "input"),
            text("engine", "nftables"),
            text("stage_by", "reason"),
            text("reason", "NETFILTER_DROP"),
        ];
        assert_eq!(what(&fields), "netfilter/input NETFILTER_DROP");
    }

    #[test]
    fn different_filters_are_said() {
        let mut diff = samples::diff();
        assert_eq!(filters(&diff.sides), None);
        diff.sides[1].header.filter = Some("udp".to_owned());
        diff.sides[0].header.filter = None;
        let mut out = String::new();
        let compared = Compared {
            files: ["a.ndr", "b.ndr"],
            diff: &diff,
            top: 10,
        };
        write(&mut out, &compared, Layout::default());
        assert!(out.contains("recorded with filter: udp"), "{out}");
        assert!(out.contains("before: no filter; after: udp"), "{out}");
        assert!(out.contains("\nby device\n"), "{out}");
    }

    #[test]
    fn what_is_sure_comes_first_and_what_is_not_is_said() {
        let mut out = String::new();
        let compared = Compared {
            files: ["a.ndr", "b\x1b.ndr"],
            diff: &samples::diff(),
            top: 10,
        };
        write(&mut out, &compared, Layout::default());
        let (sure, unsure) = out.split_once("could be chance").unwrap();
        assert!(!out.contains('\x1b'), "{out}");
        assert!(
            sure.contains("new           0.0         15.0         -  rx_sock SOCKET_RCVBUFF"),
            "{out}"
        );
        assert!(
            unsure.contains("more          1.0          1.5      1.50  rx_lookup -"),
            "{out}"
        );
    }
}
