//! What must hold in every row, and in which order rows stand.

use std::{cmp::Ordering, net::IpAddr};

use serde_json::Value;

use super::Complaints;
use crate::netdrop::record::{Row, Severity};

pub(super) fn check(row: &Row, seconds: f64, by: &[&str], all: &mut Complaints) {
    all.must(row.drops > 0, || format!("a row without drops: {row:?}"));
    all.must(row.packets >= row.drops, || {
        format!("fewer packets than drops: {row:?}")
    });
    all.must(
        row.harmful + row.suspicious + row.benign == row.drops,
        || format!("severities do not sum up to drops: {row:?}"),
    );
    all.must(row.severity == worst(row), || {
        format!("severity is not the worst present: {row:?}")
    });
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let rate = row.drops as f64 / seconds;
    all.must((row.rate - rate).abs() <= 0.02 * rate + 0.01, || {
        format!("rate is not drops / {seconds} s: {row:?}")
    });
    for key in by
        .iter()
        .copied()
        .flat_map(|key| std::iter::once(key).chain(beside(key).iter().copied()))
    {
        all.must(
            row.keys.get(key).is_some_and(|value| has_kind(key, value)),
            || format!("{key} is missing or of the wrong kind: {row:?}"),
        );
    }
}

fn worst(row: &Row) -> Severity {
    match row {
        Row { harmful: 1.., .. } => Severity::Harmful,
        Row {
            suspicious: 1.., ..
        } => Severity::Suspicious,
        _ => Severity::Benign,
    }
}

/// The fields that come with a key.
fn beside(key: &str) -> &'static [&'static str] {
    match key {
        "device" => &["ifindex"],
        "netns" => &["netns_name"],
        "stage" => &["hook", "engine", "stage_by"],
        _ => &[],
    }
}

/// Numbers are numbers, texts are texts, addresses are in their shortest form;
/// everything may be null.
fn has_kind(key: &str, value: &Value) -> bool {
    match (key, value) {
        (_, Value::Null) => true,
        ("ifindex" | "netns" | "cpu" | "src_port" | "dst_port", value) => value.is_u64(),
        ("src" | "dst", Value::String(text)) => text
            .parse()
            .is_ok_and(|address: IpAddr| address.to_string() == *text),
        (_, value) => value.is_string(),
    }
}

/// By drops descending, then by the keys. Rows that stand for others have no
/// keys to be sorted by.
pub(super) fn check_order(rows: &[Row], by: &[&str], all: &mut Complaints) {
    let own: Vec<&Row> = rows.iter().filter(|row| !row.is_other()).collect();
    for pair in own.windows(2) {
        all.must(order(pair[0], pair[1], by) != Ordering::Greater, || {
            format!("out of order: {:?} before {:?}", pair[0], pair[1])
        });
    }
}

fn order(left: &Row, right: &Row, by: &[&str]) -> Ordering {
    let keys = by
        .iter()
        .flat_map(|key| std::iter::once(key).chain(ordered_beside(key)))
        .map(|key| order_of_values(left.key(key), right.key(key)));
    right
        .drops
        .cmp(&left.drops)
        .then(keys.fold(Ordering::Equal, Ordering::then))
}

/// The fields beside a key by which rows of the same key are sorted.
fn ordered_beside(key: &str) -> &'static [&'static str] {
    match key {
        "device" => &["ifindex"],
        "stage" => &["hook", "engine"],
        _ => &[],
    }
}

/// Numbers by value, text by bytes, null last.
fn order_of_values(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_u64().cmp(&right.as_u64()),
        (Value::String(left), Value::String(right)) => left.as_bytes().cmp(right.as_bytes()),
        (left, right) => left.is_null().cmp(&right.is_null()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_comes_last_and_numbers_go_by_value() {
        assert_eq!(order_of_values(&json!(9), &json!(10)), Ordering::Less);
        assert_eq!(
            order_of_values(&json!("9"), &json!("10")),
            Ordering::Greater
        );
        assert_eq!(
            order_of_values(&json!(null), &json!("a")),
            Ordering::Greater
        );
    }

    #[test]
    fn addresses_are_in_their_shortest_form() {
        assert!(has_kind("src", &json!("fd99::1")));
        assert!(!has_kind("src", &json!("fd99:0::1")));
        assert!(!has_kind("src_port", &json!("9")));
        assert!(has_kind("src_port", &json!(null)));
    }
}
