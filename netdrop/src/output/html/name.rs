//! Text and numbers as they stand in a page.

use jiff::{Timestamp, Unit};
use maud::{Markup, html};

use super::super::{amount::grouped, escape::escape};

/// A text that others chose: nothing in it is markup, and nothing hides or
/// reorders what stands beside it.
pub(super) fn name(text: &str) -> Markup {
    html! { (escape(text)) }
}

/// A name as code.
pub(super) fn code(text: &str) -> Markup {
    html! { code { (escape(text)) } }
}

/// A whole number, its digits in threes.
pub(super) fn number(count: u64) -> Markup {
    html! { (grouped(count)) }
}

/// `12.5/s`
pub(super) fn per_second(rate: f64) -> String {
    if rate >= 1000.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate of more than a thousand drops a second, rounded"
        )]
        return format!("{}/s", grouped(rate.round() as u64));
    }
    format!("{rate:.1}/s")
}

/// A share in percent; whatever is not zero is seen.
#[expect(
    clippy::cast_precision_loss,
    reason = "a percentage needs no more than 52 bits"
)]
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 || part == 0 {
        return 0.0;
    }
    (part as f64 / whole as f64 * 100.0).max(0.5)
}

/// A moment: its hour, the whole of it for machines.
pub(super) fn hour(time: Timestamp) -> Markup {
    let rounded = time.round(Unit::Second).unwrap_or(time);
    html! {
        time datetime=(format!("{time:.3}")) { (rounded.strftime("%H:%M:%S")) }
    }
}

/// A moment with its day.
pub(super) fn moment(time: Timestamp) -> Markup {
    let rounded = time.round(Unit::Second).unwrap_or(time);
    html! {
        time datetime=(format!("{time:.3}")) { (rounded.strftime("%Y-%m-%d %H:%M:%S")) " UTC" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_whatever_they_hold() {
        assert_eq!(
            name("<script>\"a\" & 'b'\u{202e}\x1b</script>").into_string(),
            "&lt;script&gt;&quot;a&quot; &amp; 'b'\\u{202e}\\x1b&lt;/script&gt;"
        );
    }

    #[test]
    fn what_is_not_zero_is_seen() {
        assert!((percent(1, 1_000_000) - 0.5).abs() < 1e-9);
        assert!(percent(0, 10).abs() < 1e-9);
        assert_eq!(per_second(12_345.6), "12\u{202f}346/s");
    }
}
