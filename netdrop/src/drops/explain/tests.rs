use super::{Explanation, FunctionEntry, Present, ReasonEntry, Running, StageEntry};
use crate::{
    drops::{severity::Severity, stage::Stage},
    kernel::reasons::canned,
};

fn running() -> Running {
    Running {
        release: "6.18.0".to_owned(),
        reasons: Ok(canned::reasons()),
    }
}

fn reason(word: &str, running: &Running) -> ReasonEntry {
    let mut found = Explanation::find(word, running).into_iter();
    let reason = found.find_map(|found| match found {
        Explanation::Reason(entry) => Some(entry),
        _ => None,
    });
    reason.unwrap_or_else(|| panic!("no reason {word}"))
}

#[test]
fn a_reason_is_found_in_any_case_and_with_the_kernels_prefix() {
    for word in ["NO_SOCKET", "no_socket", "SKB_DROP_REASON_NO_SOCKET"] {
        let entry = reason(word, &running());
        assert_eq!(entry.name, "NO_SOCKET");
        assert_eq!(entry.known.unwrap().stage, Stage::RX_LOOKUP);
        assert_eq!(entry.present, Present::Number(3));
    }
}

#[test]
fn functions_in_which_it_means_something_else_come_by_stage_and_note() {
    let entry = reason("NO_SOCKET", &running());
    let cookies = entry
        .elsewhere
        .iter()
        .find(|other| other.stage == Stage::RX_ACCEPTQ)
        .unwrap();
    assert_eq!(cookies.functions, ["cookie_v4_check", "cookie_v6_check"]);
    assert_eq!(cookies.severity, Some(Severity::Harmful));
    assert!(entry.elsewhere.is_sorted_by_key(|other| other.stage));
}

#[test]
fn it_is_told_whether_the_running_kernel_has_a_reason() {
    fn present(word: &str, running: &Running) -> Present {
        reason(word, running).present
    }
    assert_eq!(present("IP_CSUM", &running()), Present::No);
    assert_eq!(
        present("RX_DROP_UNUSABLE", &running()),
        Present::NotLoaded("mac80211".to_owned())
    );
    assert_eq!(present("RX_DROP_U_*", &running()), Present::Many);
    let old = Running {
        release: "5.10.0".to_owned(),
        reasons: Ok(canned::none()),
    };
    assert_eq!(present("IP_CSUM", &old), Present::NoReasons);
    let hidden = Running {
        release: "6.18.0".to_owned(),
        reasons: Err("no BTF".to_owned()),
    };
    assert_eq!(
        present("IP_CSUM", &hidden),
        Present::Unreadable("no BTF".to_owned())
    );
}

#[test]
fn a_reason_that_only_the_kernel_knows_is_explained_as_such() {
    let entry = reason("brand_new", &running());
    assert_eq!(entry.name, "BRAND_NEW");
    assert_eq!(entry.known, None);
    assert_eq!(entry.subsystem.as_deref(), Some("core"));
    assert_eq!(entry.present, Present::Number(5));
    assert_eq!(running().uncatalogued().collect::<Vec<_>>(), ["BRAND_NEW"]);
}

#[test]
fn functions_are_found_without_the_compilers_suffix() {
    let found = Explanation::find("cookie_v4_check.isra.0", &running());
    let [Explanation::Function(FunctionEntry { name, reasons, .. })] = &*found else {
        panic!("{found:?}");
    };
    assert_eq!(*name, "cookie_v4_check");
    assert!(reasons.iter().any(|row| row.reason == "NO_SOCKET"));
}

#[test]
fn a_stage_has_its_reasons_and_functions() {
    let found = Explanation::find("RX_BACKLOG", &running());
    let [
        Explanation::Stage(StageEntry {
            stage,
            reasons,
            functions,
        }),
    ] = &*found
    else {
        panic!("{found:?}");
    };
    assert_eq!(*stage, Stage::RX_BACKLOG);
    assert!(reasons.iter().any(|reason| reason.name == "CPU_BACKLOG"));
    assert!(functions.iter().any(|it| it.name == "enqueue_to_backlog"));
    assert_eq!(StageEntry::all().len(), Stage::all().count());
}

#[test]
fn an_unknown_word_finds_what_was_meant() {
    let nearest = |word| Explanation::nearest(word, &running());
    assert!(Explanation::find("NETFILTER_DRPO", &running()).is_empty());
    assert_eq!(nearest("NETFILTER_DRPO")[0], "NETFILTER_DROP");
    assert_eq!(nearest("rx_baklog")[0], "rx_backlog");
    assert_eq!(nearest("SKB_DROP_REASON_brand_ne")[0], "BRAND_NEW");
    assert_eq!(nearest("qqqqqqqqqqqqqq"), [""; 0]);
}
