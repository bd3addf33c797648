use super::{Catalogue, Problem, Texts};

const STAGE: &str = r#"[[stage]]
id = "unknown"
order = 99
path = "side"
name = "Unknown"
meaning = "Nothing tells"
queue = "none"
counters = []
tunables = []
next = []

[[stage]]
id = "rx_ip"
order = 1
path = "rx"
name = "IP"
meaning = "Receives"
queue = "none"
counters = []
tunables = []
next = ["ip -s link show {device}"]
"#;

const REASON: &str = r#"[IP_CSUM]
since = "5.17"
subsystem = "core"
stage = "rx_ip"
way = "rx"
severity = "harmful"
why = "Lost"
meaning = "Wrong checksum"
counters = ["Ip.InCsumErrors"]
causes = []
next = ["ethtool -k {device} | awk '{print $1}'"]
"#;

const FUNCTION: &str = "function\tstage\tdirection\tsource\tseen_in\tfiles
ip_rcv\trx_ip\trx\tfile\t5.10-7.1\tnet/ipv4/ip_input.c
";

const OVERRIDE: &str = "reason\tfunction\tstage\tdirection\tnote
IP_CSUM\tip_rcv\trx_ip\trx\tbenign: not here
-\tip_rcv\trx_ip\trx\tno reasons
";

const RULE: &str = r#"counters = ["softnet.dropped"]
gauges = ["net.core.netdev_max_backlog"]

[[rule]]
id = "backlog"
stage = "rx_ip"
each = "cpu"
severity = "harmful"
when = "softnet.dropped > 0"
since_boot = "softnet.dropped > 100"
finding = "{scope} dropped {softnet.dropped}"
evidence = "e"
remedy = "r"
undo = "sysctl -w net.core.netdev_max_backlog={net.core.netdev_max_backlog}"
"#;

const COUNTERS: &str = r#"[[counter]]
name = "IpExt.InCsumErrors"
scope = "netns"
source = "s"
drops = [{ reasons = ["IP_CSUM"], functions = ["ip_rcv"], family = "ipv4" }]

[[counter]]
name = "Ip.InHdrErrors"
scope = "netns"
source = "t"
includes = ["IpExt.InCsumErrors"]
maybe = [{ stages = ["rx_ip"], directions = ["rx"] }]
note = "n"
"#;

fn texts() -> Texts {
    Texts([STAGE, REASON, FUNCTION, OVERRIDE, RULE, COUNTERS].map(str::to_owned))
}

/// What is said where in one of the files a text is replaced by another.
fn said(file: usize, old: &str, new: &str) -> Vec<String> {
    let Texts(mut texts) = texts();
    assert!(texts[file].contains(old), "{old}");
    texts[file] = texts[file].replacen(old, new, 1);
    let problems = Catalogue::read(&Texts(texts)).unwrap_err();
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn what_is_right_becomes_sorted_tables() {
    let catalogue = Catalogue::read(&texts()).unwrap();
    let stages = catalogue.stages_source();
    assert!(stages.find("\"rx_ip\"") < stages.find("\"unknown\""));
    assert!(stages.contains("pub const RX_IP: Self = Self(0);"));
    let source = catalogue.source();
    assert!(source.contains("severity: Severity::Harmful, why: \"Lost\""));
    assert!(source.find("reason: \"-\"") < source.find("reason: \"IP_CSUM\""));
    assert!(source.contains("severity: Some(Severity::Benign), note: \"not here\""));
}

const STAGES: usize = 0;
const REASONS: usize = 1;
const FUNCTIONS: usize = 2;
const OVERRIDES: usize = 3;
const RULES: usize = 4;
const RECONCILE: usize = 5;

/// File, what is replaced by what, what is said.
type Mistake = (usize, &'static str, &'static str, &'static str);

fn are_said(mistakes: &[Mistake]) {
    for &(file, old, new, expected) in mistakes {
        let said = said(file, old, new);
        assert!(
            said.iter().any(|line| line == expected),
            "{expected}\n{said:#?}"
        );
    }
}

#[test]
fn every_mistake_in_a_stage_or_reason_is_named_with_file_and_line() {
    are_said(&[
        (
            STAGES,
            "id = \"rx_ip\"",
            "id = \"unknown\"",
            "data/stages.toml:2: stage unknown stands twice",
        ),
        (
            STAGES,
            "order = 1",
            "order = 99",
            "data/stages.toml:14: order 99 stands twice",
        ),
        (
            STAGES,
            "path = \"rx\"",
            "path = \"up\"",
            "data/stages.toml:15: unknown path \"up\"; use rx, tx, side",
        ),
        (
            STAGES,
            "{device}",
            "{dev}",
            "data/stages.toml:21: unknown placeholder {dev}; use {device}, {src}, {dst}, \
             {src_port}, {dst_port}, {protocol}, {netns}, {function}",
        ),
        (
            REASONS,
            "stage = \"rx_ip\"\n",
            "",
            "data/reasons.toml:1: missing field `stage`",
        ),
        (
            REASONS,
            "stage = \"rx_ip\"",
            "stage = \"\"",
            "data/reasons.toml:4: has no stage",
        ),
        (
            REASONS,
            "stage = \"rx_ip\"",
            "stage = \"rx_i\"",
            "data/reasons.toml:4: unknown stage \"rx_i\"",
        ),
        (
            REASONS,
            "way = \"rx\"",
            "way = \"up\"",
            "data/reasons.toml:5: unknown way \"up\"; use rx, tx, both",
        ),
        (
            REASONS,
            "harmful",
            "bad",
            "data/reasons.toml:6: unknown severity \"bad\"; use harmful, suspicious, benign",
        ),
        (
            REASONS,
            "why = \"Lost\"",
            "why = \"\"",
            "data/reasons.toml:7: why is empty",
        ),
        (
            REASONS,
            "[IP_CSUM]",
            "[SKB_DROP_REASON_IP_CSUM]",
            "data/reasons.toml:1: SKB_DROP_REASON_IP_CSUM: write it without SKB_DROP_REASON_",
        ),
    ]);
}

#[test]
fn every_mistake_in_a_function_is_named_with_file_and_line() {
    are_said(&[
        (
            FUNCTIONS,
            "rx_ip",
            "",
            "data/location_stage.tsv:2: has no stage",
        ),
        (
            FUNCTIONS,
            "\nip_rcv\t",
            "\nip_rcv.isra.0\t",
            "data/location_stage.tsv:2: function ip_rcv.isra.0 has a compiler's suffix, .isra.0; \
             write ip_rcv",
        ),
        (
            FUNCTIONS,
            "\tfile\t",
            "\t",
            "data/location_stage.tsv:2: has 5 cells, not 6",
        ),
        (
            OVERRIDES,
            "IP_CSUM",
            "IP_CSM",
            "data/location_overrides.tsv:2: unknown reason \"IP_CSM\"",
        ),
        (
            OVERRIDES,
            "-\tip_rcv",
            "IP_CSUM\tip_rcv",
            "data/location_overrides.tsv:3: IP_CSUM in ip_rcv stands twice",
        ),
    ]);
}

#[test]
fn a_reason_that_stands_twice_is_refused() {
    let Texts(mut texts) = texts();
    texts[1] = format!("{REASON}\n{REASON}");
    let problems = Catalogue::read(&Texts(texts)).unwrap_err();
    let said = problems[0].to_string();
    assert!(
        said.starts_with("data/reasons.toml:13: duplicate key"),
        "{said}"
    );
}

#[test]
fn rules_become_a_table() {
    let source = Catalogue::read(&texts()).unwrap().rules_source();
    assert!(source.contains(
        "Step::Name(\"softnet.dropped\"), Step::Number(0.0), Step::Apply(Operation::Greater)"
    ));
    assert!(source.contains("since_boot: Some(&[Step::Name"));
    assert!(source.contains("is_state: false"));
}

#[test]
fn a_state_needs_no_second_condition_and_a_count_has_none_of_itself() {
    let Texts(mut texts) = texts();
    texts[RULES] = texts[RULES].replace("since_boot = \"softnet.dropped > 100\"\n", "");
    let source = Catalogue::read(&Texts(texts.clone()))
        .unwrap()
        .rules_source();
    assert!(source.contains("since_boot: None, is_state: false"));
    texts[RULES] = texts[RULES].replace("softnet.dropped > 0", "net.core.netdev_max_backlog < 9");
    let source = Catalogue::read(&Texts(texts)).unwrap().rules_source();
    assert!(source.contains("is_state: true"));
}

#[test]
fn mistakes_in_rules_are_said_with_their_line() {
    let unknown = |line: u32, name: &str| {
        format!(
            "data/rules.toml:{line}: unknown name \"{name}\"; name it in stages.toml, or in \
             `counters` or `gauges` at the top of this file"
        )
    };
    for (old, new, expected) in [
        (
            "softnet.dropped > 0",
            "softnet.droped > 0",
            unknown(9, "softnet.droped"),
        ),
        ("{scope} dropped", "{scop} dropped", unknown(11, "scop")),
        (
            "softnet.dropped > 0",
            "softnet.dropped >",
            "data/rules.toml:9: the condition \"softnet.dropped >\": ends too early".to_owned(),
        ),
        (
            "each = \"cpu\"",
            "each = \"disk\"",
            "data/rules.toml:7: unknown each \"disk\"; use netns, cpu, device, qdisc, socket"
                .to_owned(),
        ),
        (
            "stage = \"rx_ip\"",
            "stage = \"rx_up\"",
            "data/rules.toml:6: unknown stage \"rx_up\"".to_owned(),
        ),
        (
            "remedy = \"r\"",
            "remedy = \"\"",
            "data/rules.toml:13: the text is empty".to_owned(),
        ),
    ] {
        let said = said(RULES, old, new);
        assert!(said.contains(&expected), "{expected}\n{said:#?}");
    }
}

#[test]
fn counters_become_a_table() {
    let source = Catalogue::read(&texts()).unwrap().reconcile_source();
    assert!(source.contains("name: \"Ip.InHdrErrors\", of: Of::Netns"));
    assert!(source.contains("ethertype: Some(0x0800)"));
    assert!(source.contains("note: Some(\"n\")"));
}

#[test]
fn mistakes_in_counters_are_said_with_their_line() {
    are_said(&[
        (
            RECONCILE,
            "\"IP_CSUM\"",
            "\"IP_CSM\"",
            "data/reconcile.toml:5: unknown reason \"IP_CSM\"",
        ),
        (
            RECONCILE,
            "includes = [\"IpExt.InCsumErrors\"]",
            "includes = [\"IpExt.In\"]",
            "data/reconcile.toml:11: unknown counter \"IpExt.In\"",
        ),
        (
            RECONCILE,
            "source = \"t\"",
            "source = \"\"",
            "data/reconcile.toml:10: the source is empty",
        ),
        (
            RECONCILE,
            "stages = [\"rx_ip\"], ",
            "",
            "data/reconcile.toml:12: names no reason, function or stage",
        ),
        (
            RECONCILE,
            "\"rx_ip\"",
            "\"rx_up\"",
            "data/reconcile.toml:12: unknown stage \"rx_up\"",
        ),
        (
            RECONCILE,
            "name = \"Ip.InHdrErrors\"",
            "name = \"IpExt.InCsumErrors\"",
            "data/reconcile.toml:8: counter IpExt.InCsumErrors of netns stands twice",
        ),
        (
            RECONCILE,
            "scope = \"netns\"",
            "scope = \"cpu\"",
            "data/reconcile.toml:3: unknown scope \"cpu\"; use netns, host, device, qdisc, clsact",
        ),
    ]);
}
