//! A flow and what happened to it, in words.

use std::fmt::Write as _;

use crate::tally::row::{Row, Value};

/// `tcp 192.0.2.1:40000 > [2001:db8::1]:53`; what is unknown is `-`.
#[must_use]
pub fn ends(row: &Row) -> String {
    let end = |address, port| match (value(row, address), value(row, port)) {
        (Some(address), Some(port)) if address.contains(':') => format!("[{address}]:{port}"),
        (Some(address), Some(port)) => format!("{address}:{port}"),
        (Some(address), None) => address,
        (None, Some(port)) => format!("-:{port}"),
        (None, None) => "-".to_owned(),
    };
    let protocol = value(row, "protocol").unwrap_or_else(|| "-".to_owned());
    format!(
        "{protocol} {} > {}",
        end("src", "src_port"),
        end("dst", "dst_port")
    )
}

/// Its reason, its rate and what followed, as far as that was seen.
#[must_use]
pub fn consequences(row: &Row, seconds: f64) -> String {
    let mut text = reason(row);
    if let Some(rate) = row.rate(seconds) {
        let _ = write!(text, ", {rate:.1}/s");
    }
    let harm = &row.sums.harm;
    let more = if harm.is_half_seen() { " or more" } else { "" };
    if let Some(retransmits) = harm.retransmits() {
        let _ = write!(text, ", retransmissions {retransmits}{more}");
    }
    if let Some(resets) = harm.resets() {
        let _ = write!(text, ", resets {resets}");
    }
    text
}

/// The reason, or that there is none.
#[must_use]
pub fn reason(row: &Row) -> String {
    value(row, "reason").unwrap_or_else(|| "no reason given".to_owned())
}

/// A field as text; `None` where it is unknown.
#[must_use]
pub fn value(row: &Row, name: &str) -> Option<String> {
    let mut fields = row.fields.iter();
    match &fields.find(|field| field.name == name)?.value {
        Value::Null => None,
        Value::Number(number) => Some(number.to_string()),
        Value::Text(text) | Value::Lines(text) => Some(text.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn a_flow_tells_both_ends_and_what_is_not_known() {
        let rows = samples::hurt_rows();
        assert_eq!(ends(&rows[0]), "- 192.0.2.1:40000 > -");
        assert_eq!(
            consequences(&rows[0], 1.0),
            "no reason given, 5.0/s, retransmissions 4, resets 1"
        );
        assert_eq!(
            consequences(&rows[1], 1.0),
            "no reason given, 5.0/s, resets 0"
        );
    }
}
