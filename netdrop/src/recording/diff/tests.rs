use super::*;
use crate::tally::row::Value;

fn rows(counts: &[(u64, &[u64])], uncompared: u64) -> Rows {
    let mut rows = Rows {
        uncompared,
        ..Rows::default()
    };
    for (cpu, counts) in counts {
        let field = Field {
            name: "cpu",
            value: Value::Number(*cpu),
        };
        for drops in *counts {
            rows.count(vec![field.clone()], *drops, 1.0);
        }
    }
    rows
}

const MINUTE: [Length; 2] = [Length {
    seconds: 60.0,
    intervals: 60.0,
}; 2];

#[test]
fn a_shift_to_another_cpu_is_sure_and_scatter_is_not() {
    let steady = [5; 60];
    let before = rows(&[(0, &steady), (1, &steady)], 0);
    let after = rows(&[(0, &steady), (2, &steady)], 0);
    let found = changes([&before, &after], MINUTE, 4.0, [0.0; 2]);
    let sure: Vec<Kind> = found
        .iter()
        .filter(|row| row.is_sure())
        .map(|row| row.kind)
        .collect();
    assert_eq!(found.len(), 3);
    assert!(
        sure.contains(&Kind::New) && sure.contains(&Kind::Gone),
        "{sure:?}"
    );
    assert_eq!(sure.len(), 2);
}

#[test]
fn each_grouping_makes_a_change_less_sure() {
    let before = rows(&[(0, &[1; 20])], 0);
    let after = rows(&[(0, &[1; 36])], 0);
    let alone = changes([&before, &after], MINUTE, 1.0, [0.0; 2]);
    let one_of_four = changes([&before, &after], MINUTE, 4.0, [0.0; 2]);
    assert!(alone[0].is_sure() && !one_of_four[0].is_sure(), "{alone:?}");
}

#[test]
fn a_flow_that_may_be_beyond_those_kept_is_not_called_new() {
    let before = rows(&[], 400);
    let after = rows(&[(0, &[5; 60])], 0);
    let found = changes([&before, &after], MINUTE, 1.0, [0.0; 2]);
    assert!(found[0].is_sure());
    assert!(may_be_uncompared(&found[0], [&before, &after], MINUTE));
    let all_kept = rows(&[], 0);
    assert!(!may_be_uncompared(&found[0], [&all_kept, &after], MINUTE));
}

#[test]
fn what_a_filter_could_not_tell_may_be_the_whole_difference() {
    let before = rows(&[(0, &[5; 20]), (1, &[5; 20])], 0);
    let after = rows(&[(0, &[9; 20]), (1, &[60; 20])], 0);
    let sure = |untold| -> Vec<bool> {
        let mut found = changes([&before, &after], MINUTE, 1.0, untold);
        found.sort_by_key(|row| row.drops[1]);
        found.iter().map(Change::is_sure).collect()
    };
    assert_eq!(sure([0.0; 2]), [true, true]);
    // Two more a second before would explain one of them, more after none.
    assert_eq!(sure([2.0, 0.0]), [false, true]);
    assert_eq!(sure([0.0, 50.0]), [true, true]);
}
