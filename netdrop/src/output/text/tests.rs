use super::{super::samples, *};
use crate::tally::row::{Field, Other, Row, Value};

fn render(layout: Layout) -> String {
    let mut out = String::new();
    interval(&mut out, &samples::period(), layout);
    out
}

#[test]
fn an_interval_is_a_block() {
    let text = render(Layout::default());
    println!("{text}");
    assert_eq!(text, include_str!("../../../tests/data/interval.txt"));
}

#[test]
fn flows_that_were_hurt_say_so_and_what_is_not_seen() {
    let mut period = samples::period();
    period.rows = samples::hurt_rows();
    let mut out = String::new();
    interval(&mut out, &period, Layout::default());
    let (_, table) = out.split_at(out.find("DROPS").unwrap());
    assert_eq!(
        table,
        "\
DROPS  RATE/S  BYTES  SEVERITY  RETRANS  RESETS  HERE  SRC
    5     2.5    500  harmful         4       1  both  192.0.2.1:40000
    5     2.5    500  harmful         -       0  dst   192.0.2.1:40000
  RETRANS: what senders in other network namespaces or on other hosts sent again is not visible here

"
    );
    period.rows.truncate(1);
    let mut out = String::new();
    interval(&mut out, &period, Layout::default());
    assert!(!out.contains("not visible"));
}

#[test]
fn on_a_terminal_long_names_give_way() {
    let text = render(Layout {
        width: Some(80),
        ..Layout::default()
    });
    println!("{text}");
    let table = text.lines().skip_while(|line| !line.contains("DROPS"));
    assert!(table.clone().count() > 3);
    assert!(table.clone().all(|line| line.chars().count() <= 80));
    assert!(text.contains('…'));
}

#[test]
fn colours_change_nothing_but_colours() {
    let coloured = render(Layout {
        palette: Palette { on: true },
        ..Layout::default()
    });
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_ne!(coloured, plain);
    assert_eq!(plain, render(Layout::default()));
}

#[test]
fn a_ratio_counts_no_benign_drops_and_is_never_more_than_all() {
    let ratio = |harmful, benign, rx_packets| {
        let mut period = samples::period();
        period.totals.sums.harmful = harmful;
        period.totals.sums.suspicious = 0;
        period.totals.sums.benign = benign;
        period.traffic.rx_packets = rx_packets;
        period.traffic.tx_packets = Some(0);
        period.drop_ratio()
    };
    assert_eq!(ratio(1, 1000, Some(4)), Some(25.0));
    assert_eq!(ratio(4, 0, Some(4)), Some(100.0));
    assert_eq!(ratio(5, 0, Some(4)), None);
    assert_eq!(ratio(0, 0, Some(0)), None);
    assert_eq!(ratio(1, 0, None), None);
}

#[test]
fn lines_end_before_the_summary_which_tells_how_many_are_missing() {
    let text = |lines| {
        let mut out = String::new();
        summary(&mut out, &samples::period(), lines, Layout::default());
        out
    };
    assert!(text(None).starts_with("summary"));
    assert!(text(Some(0)).starts_with("summary"));
    assert!(text(Some(10)).starts_with("\nsummary"));
    assert!(text(Some(10)).contains("\n  34 drops counted, 10 shown\n"));
    assert!(!text(Some(34)).contains("shown"));
    assert!(!text(None).contains("shown"));
}

#[test]
fn one_is_not_many() {
    assert_eq!(plural(0, "drop"), "0 drops");
    assert_eq!(plural(1, "drop"), "1 drop");
    assert_eq!(plural(2, "drop"), "2 drops");
}

#[test]
fn nothing_happened_is_said_briefly() {
    let mut period = samples::period();
    period.totals = Totals::default();
    period.accounting = Accounting::default();
    period.traffic = crate::tally::accounting::Traffic::default();
    period.squeeze = crate::tally::squeeze::Squeeze::default();
    period.hooks.clear();
    period.rows.clear();
    period.histograms = None;
    period.reconciliation = None;
    let mut out = String::new();
    summary(&mut out, &period, None, Layout::default());
    assert_eq!(
        out,
        "summary  0 drops, 0.0/s (0 packets, 0 bytes, 2.000 s)\n  harmful 0  suspicious 0  \
         benign 0  hidden: 0\n"
    );
}

/// The longest addresses and ports there are, in rows by everything that is short.
fn with_long_flows(by: &[&'static str]) -> Period {
    let mut period = samples::period();
    let end = "2001:db8:1111:2222:3333:4444:5555:";
    let mut rows = samples::hurt_rows();
    for (number, row) in rows.iter_mut().enumerate() {
        let text = |text: String| Value::Text(text.into());
        row.fields = by
            .iter()
            .map(|name| Field {
                name,
                value: match *name {
                    "src" => text(format!("{end}666{number}")),
                    "dst" => text(format!("{end}777{number}")),
                    "src_port" | "dst_port" => Value::Number(65_535),
                    "protocol" => text("icmpv6".to_owned()),
                    "netns" => Value::Number(4_026_531_840),
                    _ => text(format!("A_VERY_LONG_VALUE_OF_{}", name.to_uppercase())),
                },
            })
            .collect();
    }
    rows.push(Row {
        other: Some(Other::Top(37)),
        ..rows[0].clone()
    });
    period.rows = rows;
    period.reconciliation = Some(samples::reconciliation());
    period
}

#[test]
fn every_line_fits_the_terminal_and_addresses_stay_whole() {
    const FLOW: [&str; 5] = ["protocol", "src", "src_port", "dst", "dst_port"];
    let all: Vec<&str> = ["stage", "reason", "function", "device", "netns"]
        .into_iter()
        .chain(FLOW)
        .collect();
    for by in [&FLOW[..], &all] {
        for width in [80, 100, 160] {
            let layout = Layout {
                width: Some(width),
                ..Layout::default()
            };
            let mut out = String::new();
            interval(&mut out, &with_long_flows(by), layout);
            summary(&mut out, &with_long_flows(by), None, layout);
            for line in out.lines() {
                let commanded = line.trim_start().starts_with("$ ");
                assert!(
                    commanded || line.chars().count() <= width,
                    "{width}: {line}\n{out}"
                );
            }
            for end in ["6660]:65535", "6661]:65535", "7770]:65535", "7771]:65535"] {
                let whole = format!("[2001:db8:1111:2222:3333:4444:5555:{end}");
                assert_eq!(out.matches(&whole).count(), 2, "{width}: {out}");
            }
            assert_eq!(out.matches("(37 more rows)").count(), 2, "{out}");
        }
    }
    let mut out = String::new();
    interval(&mut out, &with_long_flows(&all), Layout::default());
    let longest = out.lines().map(|line| line.chars().count()).max();
    assert!(
        longest > Some(200),
        "without a terminal a row is a line: {out}"
    );
}

#[test]
fn a_flow_goes_on_below_where_it_has_no_room() {
    let mut out = String::new();
    let period = with_long_flows(&["protocol", "src", "src_port", "dst", "dst_port"]);
    let layout = Layout {
        width: Some(80),
        ..Layout::default()
    };
    interval(&mut out, &period, layout);
    let (_, table) = out.split_at(out.find("DROPS").unwrap());
    let table: Vec<&str> = table.lines().take(6).collect();
    assert_eq!(
        table,
        [
            "DROPS  RATE/S  BYTES  SEVERITY  RETRANS  RESETS  HERE  PROTOCOL",
            "    SRC",
            "    DST",
            "    5     2.5    500  harmful         4       1  both  icmpv6",
            "    [2001:db8:1111:2222:3333:4444:5555:6660]:65535",
            "    [2001:db8:1111:2222:3333:4444:5555:7770]:65535",
        ]
    );
}
