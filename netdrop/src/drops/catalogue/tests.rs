use std::collections::HashSet;

use super::{
    FUNCTION_TABLE, FUNCTIONS, MORE_REASONS, OVERRIDE_TABLE, OVERRIDES, REASON_TABLE, REASONS, at,
    function, reason,
};
use crate::drops::{severity::Severity, stage::Stage};

fn count(table: &str) -> usize {
    table.lines().count() - 1
}

#[test]
fn every_row_is_read_and_no_name_stands_twice() {
    assert_eq!(REASON_TABLE.len(), count(REASONS) + count(MORE_REASONS));
    assert_eq!(FUNCTION_TABLE.len(), count(FUNCTIONS));
    let overrides = OVERRIDE_TABLE.iter().flat_map(|(function, reasons)| {
        reasons.iter().map(move |(reason, _)| (*function, *reason))
    });
    assert_eq!(overrides.collect::<HashSet<_>>().len(), count(OVERRIDES));
}

#[test]
fn every_override_is_of_a_known_reason_and_functions_have_no_suffix() {
    for (place, reasons) in OVERRIDE_TABLE.iter() {
        for (name, _) in reasons {
            assert!(*name == "-" || reason(name).is_some(), "{name}");
        }
        assert!(!place.contains('.'), "{place}");
    }
    assert!(FUNCTION_TABLE.keys().all(|name| !name.contains('.')));
}

#[test]
fn a_severity_at_the_start_of_a_note_overrides_the_reasons() {
    let severity = |name, place| at(name, place).unwrap().severity;
    assert_eq!(
        severity("NO_SOCKET", "cookie_v4_check"),
        Some(Severity::Harmful)
    );
    assert_eq!(severity("NO_SOCKET", "icmp_rcv"), Some(Severity::Benign));
    assert_eq!(severity("IP_INHDR", "ip_forward"), None);
}

#[test]
fn a_star_stands_for_the_rest_of_a_name_and_exact_names_come_first() {
    assert_eq!(reason("RX_DROP_U_BAD_AMSDU").unwrap().name, "RX_DROP_U_*");
    assert_eq!(reason("RX_DROP_U_DUP").unwrap().name, "RX_DROP_U_DUP");
    assert_eq!(reason("NEVER_HEARD_OF"), None);
}

#[test]
fn functions_have_a_stage() {
    let stage = |id| Stage::find(id).unwrap();
    assert_eq!(
        function("__dev_queue_xmit").unwrap().stage,
        stage("tx_qdisc")
    );
    assert_eq!(function("nothing_like_it"), None);
}
