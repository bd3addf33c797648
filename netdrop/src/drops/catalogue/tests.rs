use super::{
    FUNCTIONS, OVERRIDES, REASONS, at,
    build::{Catalogue, FILES, Texts},
    function, reason,
};
use crate::drops::{severity::Severity, stage::Stage};

#[test]
fn tables_are_sorted_by_what_they_are_looked_up_by() {
    assert!(REASONS.is_sorted_by(|a, b| a.name < b.name));
    assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
    assert!(OVERRIDES.is_sorted_by(|a, b| (a.function, a.reason) < (b.function, b.reason)));
    for row in OVERRIDES {
        assert_eq!(at(row.reason, row.function), Some(row));
    }
}

#[test]
fn the_data_files_are_right_and_what_was_built_is_them() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data/");
    let texts = FILES.map(|name| std::fs::read_to_string(format!("{data}{name}")).unwrap());
    let catalogue = Catalogue::read(&Texts(texts)).unwrap();
    assert_eq!(
        catalogue.source(),
        include_str!(concat!(env!("OUT_DIR"), "/catalogue.rs"))
    );
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
    assert_eq!(reason("RX_DROP_U_NEWER_ONE").unwrap().name, "RX_DROP_U_*");
    assert_eq!(reason("RX_DROP_U_DUP").unwrap().name, "RX_DROP_U_DUP");
    assert_eq!(reason("NEVER_HEARD_OF"), None);
}

#[test]
fn functions_have_a_stage() {
    assert_eq!(function("__dev_queue_xmit").unwrap().stage, Stage::TX_QDISC);
    assert_eq!(function("nothing_like_it"), None);
}
