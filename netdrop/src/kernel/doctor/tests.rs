use std::collections::HashSet;

use caps::Capability;

use super::{Facts, Kallsyms, Report, Status, Types};
use crate::kernel::hooks::HOOKS;

fn healthy() -> Facts {
    Facts {
        release: "6.18.44".to_owned(),
        machine: "x86_64".to_owned(),
        types: Ok(Types {
            hooks: HOOKS.iter().map(|hook| (hook, true)).collect(),
            kfree_skb_arguments: Some(4),
            offsets: Ok(()),
            reasons: vec!["NO_SOCKET".to_owned()],
        }),
        capabilities: Ok(caps::all()),
        uid_map: Some("         0          0 4294967295".to_owned()),
        kallsyms: Ok(Kallsyms { restricted: false }),
        lockdown: Some("none [integrity] confidentiality".to_owned()),
        jit: Some("1".to_owned()),
        memlock: Some(8 << 20),
    }
}

fn report(facts: &Facts) -> Report {
    Report::new(facts, None)
}

fn status(report: &Report, name: &str) -> Status {
    let found = report.checks.iter().find(|check| check.name == name);
    found.unwrap_or_else(|| panic!("no check {name}")).status
}

#[test]
fn a_healthy_host_can_be_watched_and_still_has_gaps() {
    let report = report(&healthy());
    assert!(report.is_ok());
    for check in &report.checks {
        let gap = check.name.starts_with("gap: ");
        let expected = if gap { Status::Warn } else { Status::Ok };
        assert_eq!(check.status, expected, "{}", check.name);
        assert!(!gap || check.remedy.is_some());
    }
}

#[test]
fn every_essential_lack_makes_watching_impossible_and_has_a_remedy() {
    type Take = fn(&mut Facts);
    let lacks: [(&str, Take); 7] = [
        ("kernel", |facts| facts.release = "5.4.0-150".to_owned()),
        ("BTF", |facts| facts.types = Err("none".to_owned())),
        ("packet layout", |facts| {
            facts.types.as_mut().unwrap().offsets = Err("no sk_buff.dev".to_owned());
        }),
        ("CAP_BPF", |facts| facts.capabilities = Ok(HashSet::new())),
        ("CAP_PERFMON", |facts| {
            facts.capabilities = Ok([Capability::CAP_BPF].into());
        }),
        ("user namespace", |facts| {
            facts.uid_map = Some("0 100000 65536".to_owned());
        }),
        ("lockdown", |facts| {
            facts.lockdown = Some("none integrity [confidentiality]".to_owned());
        }),
    ];
    for (name, take) in lacks {
        let mut facts = healthy();
        take(&mut facts);
        let report = report(&facts);
        assert!(!report.is_ok(), "{name}");
        let check = report.checks.iter().find(|check| check.name == name);
        let check = check.unwrap();
        assert_eq!(check.status, Status::Missing, "{name}");
        assert!(check.remedy.is_some(), "{name}");
    }
}

#[test]
fn only_the_drop_hook_is_essential() {
    for (index, hook) in HOOKS.iter().enumerate() {
        let mut facts = healthy();
        facts.types.as_mut().unwrap().hooks[index].1 = false;
        let report = report(&facts);
        assert_eq!(status(&report, hook.name), Status::Missing);
        assert_eq!(
            report.is_ok(),
            hook.name != "skb:kfree_skb",
            "{}",
            hook.name
        );
    }
}

#[test]
fn an_old_kernel_goes_without_reasons_and_charges_maps_to_memlock() {
    let mut facts = healthy();
    facts.release = "5.10.0-32-cloud-amd64".to_owned();
    let types = facts.types.as_mut().unwrap();
    types.kfree_skb_arguments = Some(2);
    types.reasons.clear();
    let report = report(&facts);
    assert!(report.is_ok());
    assert_eq!(status(&report, "drop reasons"), Status::Missing);
    assert_eq!(status(&report, "receiving socket"), Status::Missing);
    assert_eq!(status(&report, "map memory"), Status::Warn);
}

#[test]
fn the_administrators_capability_stands_in_for_the_two_split_from_it() {
    let mut facts = healthy();
    facts.capabilities = Ok([Capability::CAP_SYS_ADMIN].into());
    let report = report(&facts);
    assert!(report.is_ok());
    assert_eq!(status(&report, "CAP_BPF"), Status::Ok);
    assert_eq!(status(&report, "CAP_SYSLOG"), Status::Missing);
}

#[test]
fn hidden_symbols_and_an_interpreter_are_told_but_do_not_stop() {
    let mut facts = healthy();
    facts.kallsyms = Ok(Kallsyms { restricted: true });
    facts.jit = Some("0".to_owned());
    let report = report(&facts);
    assert!(report.is_ok());
    assert_eq!(status(&report, "/proc/kallsyms"), Status::Missing);
    assert_eq!(status(&report, "BPF JIT"), Status::Warn);
}

#[test]
fn a_failed_attempt_outweighs_all_checks() {
    let failed = Report::new(&healthy(), Some(Err("EPERM".to_owned())));
    assert!(!failed.is_ok());
    assert_eq!(status(&failed, "programs"), Status::Missing);
    let worked = Report::new(&healthy(), Some(Ok(())));
    assert!(worked.is_ok());
}
