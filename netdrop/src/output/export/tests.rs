use super::*;
use crate::output::samples;

fn export(exporter: &mut dyn Exporter) -> String {
    let mut period = samples::period();
    for row in &mut period.rows {
        for field in &mut row.fields {
            if field.name == "device" && row.other.is_none() {
                field.value = crate::tally::row::Value::Text("a \"b\",;c\n".into());
            }
        }
    }
    let report = samples::report();
    let source = Source {
        header: &report.header,
        filter: None,
        hooks: &samples::HOOKS,
    };
    let mut out = Vec::new();
    let by: By = "reason,function,device,netns".parse().unwrap();
    exporter.start(&mut out, &source, &by).unwrap();
    exporter.interval(&mut out, &period).unwrap();
    exporter.finish(&mut out, &period).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn csv_has_a_line_for_each_row_and_quotes_what_must_be() {
    let text = export(&mut Csv::default());
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 1 + 3 + 4 + 1);
    assert_eq!(
        lines[0],
        "time,seconds,reason,function,address,device,ifindex,netns,netns_name,netns_kind,drops,\
         packets,bytes,severity,harmful,suspicious,benign,other,histogram,from,to,count"
    );
    assert_eq!(
        lines[1],
        "2025-11-21T21:01:02.003004Z,2.000000,SOCKET_RCVBUFF,__udp_enqueue_schedule_skb,,\
         \"a \"\"b\"\",;c\\x0a\",2,4026531840,blue,named,20,20,2000,harmful,20,0,0,,,,,"
    );
    assert!(lines[3].ends_with(",top,,,,"), "{}", lines[3]);
    let commas = |line: &str| line.matches(',').count();
    assert!(
        lines[5].ends_with(",,packet_size,1280,1535,4"),
        "{}",
        lines[5]
    );
    assert!(lines[7].ends_with(",,age,,,31"), "{}", lines[7]);
    assert!(
        lines[4..8]
            .iter()
            .all(|line| commas(line) == commas(lines[0]))
    );
}

#[test]
fn csv_has_a_line_for_an_interval_without_drops() {
    let mut period = samples::period();
    period.rows.clear();
    period.histograms = None;
    let mut csv = Csv::default();
    let report = samples::report();
    let source = Source {
        header: &report.header,
        filter: None,
        hooks: &samples::HOOKS,
    };
    let mut out = Vec::new();
    let by: By = "reason,device".parse().unwrap();
    csv.start(&mut out, &source, &by).unwrap();
    csv.interval(&mut out, &period).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(
        lines[1],
        "2025-11-21T21:01:02.003004Z,2.000000,,,,0,0,0,,0,0,0,,,,,"
    );
    assert_eq!(lines[0].matches(',').count(), lines[1].matches(',').count());
}

#[test]
fn a_hook_stands_in_the_frame_of_its_stage() {
    let drop = Drop {
        stage: Some("netfilter".into()),
        hook: Some("input".into()),
        stack: Some(vec!["inner".to_owned()]),
        ..samples::datagram()
    };
    let mut folded = Folded::default();
    let mut out = Vec::new();
    folded.event(&mut out, &drop).unwrap();
    folded.finish(&mut out, &samples::period()).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "netfilter/input;NO_SOCKET;__udp4_lib_rcv;inner 1\n");
}

#[test]
fn folded_frames_hold_no_separator() {
    assert_eq!(
        export(&mut Folded::default()),
        "SOCKET_RCVBUFF;__udp_enqueue_schedule_skb;a_\"b\",_c\\x0a;4026531840 20\n\
         -;0xffffffffc0001234;a_\"b\",_c\\x0a;4026532000 6\n\
         (top) 4\n"
    );
}

#[test]
fn open_metrics_name_each_family_once_and_end_with_the_mark() {
    let text = export(&mut OpenMetrics::default());
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    assert!(
        text.contains(
            "netdrop_drops{host=\"ho\\\\x1bst\",reason=\"SOCKET_RCVBUFF\",\
         function=\"__udp_enqueue_schedule_skb\",device=\"a \\\"b\\\",;c\\\\x0a\",ifindex=\"2\",\
         netns=\"4026531840\",netns_name=\"blue\"} 20 1763758862\n"
        ),
        "{text}"
    );
    assert!(text.contains("other=\"top\"} 4 1763758862\n"), "{text}");
    for line in [
        "# TYPE netdrop_packet_size_bytes histogram",
        "netdrop_packet_size_bytes_bucket{host=\"ho\\\\x1bst\",le=\"31.0\"} 30 1763758862",
        "netdrop_packet_size_bytes_bucket{host=\"ho\\\\x1bst\",le=\"+Inf\"} 34 1763758862",
        "netdrop_age_seconds_bucket{host=\"ho\\\\x1bst\",le=\"1.791e-6\"} 3 1763758862",
        "netdrop_unknown_values{host=\"ho\\\\x1bst\",name=\"age\"} 31 1763758862",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in {text}");
    }
    assert!(!text.contains("_sum"), "{text}");
    for family in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        assert_eq!(text.matches(&format!("# TYPE {family}\n")).count(), 1);
    }
}

#[test]
fn json_is_what_watch_writes() {
    let text = export(&mut Json::default());
    let types: Vec<&str> = text.lines().map(|line| &line[..15]).collect();
    assert_eq!(
        types,
        [
            "{\"type\":\"ready\"",
            "{\"type\":\"interv",
            "{\"type\":\"summar"
        ]
    );
}

#[test]
fn sampled_stacks_are_folded_from_the_outermost_frame_on() {
    let mut folded = Folded::default();
    let mut rows = Folded::of_rows();
    let drop = Drop {
        stack: Some(vec!["in;ner+0x1f".to_owned(), "outer+0x2".to_owned()]),
        ..samples::datagram()
    };
    let mut out = Vec::new();
    for exporter in [&mut folded, &mut rows] {
        exporter.event(&mut out, &drop).unwrap();
        exporter.event(&mut out, &drop).unwrap();
    }
    assert!(out.is_empty());
    folded.finish(&mut out, &samples::period()).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "rx_lookup;NO_SOCKET;__udp4_lib_rcv;outer;in_ner 2\n");
    let mut out = Vec::new();
    rows.finish(&mut out, &samples::period()).unwrap();
    assert_eq!(String::from_utf8(out).unwrap().lines().count(), 3);
}

#[test]
fn sampled_drops_are_lines_of_their_own() {
    let drop = samples::segment();
    let mut out = Vec::new();
    Json::default().event(&mut out, &drop).unwrap();
    assert!(out.is_empty());
    Json { events: true }.event(&mut out, &drop).unwrap();
    assert!(out.starts_with(b"{\"type\":\"drop\","));
    let mut out = Vec::new();
    let report = samples::report();
    let source = Source {
        header: &report.header,
        filter: None,
        hooks: &samples::HOOKS,
    };
    let by: By = "reason".parse().unwrap();
    CsvEvents.start(&mut out, &source, &by).unwrap();
    CsvEvents.event(&mut out, &drop).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].len(), lines[1].len());
    let cell = |name: &str| lines[1][lines[0].iter().position(|it| *it == name).unwrap()];
    assert_eq!(cell("src"), "2001:db8::1");
    assert_eq!(cell("command"), "cu\\x1brl");
    assert_eq!(cell("tcp_flags"), "SYN|ACK");
    assert_eq!(cell("device"), cell("device").trim());
    // Under the names of JSON.
    let mut json = Vec::new();
    crate::output::json::drop(&mut json, &drop);
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    for name in lines[0].iter().filter(|name| **name != "cut") {
        assert!(json.get(name).is_some(), "{name}");
    }
}
