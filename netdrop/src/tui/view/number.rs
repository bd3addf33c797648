//! Numbers in few characters.

/// Units, each a thousand times the one before.
const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];

/// A count in so many characters (4 or more): exact where that fits.
pub(super) fn count(count: u64, width: usize) -> String {
    let exact = count.to_string();
    if exact.len() <= width {
        return exact;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "shortened to a few digits anyway"
    )]
    short(count as f64, width)
}

/// A rate in so many characters (4 or more): tenths below a hundred.
pub(super) fn rate(rate: Option<f64>, width: usize) -> String {
    match rate {
        None => "-".to_owned(),
        Some(rate) if rate <= 0.0 => "0".to_owned(),
        Some(rate) if rate < 99.95 => format!("{rate:.1}"),
        Some(rate) => {
            let exact = format!("{rate:.0}");
            if exact.len() <= width {
                exact
            } else {
                short(rate, width)
            }
        }
    }
}

fn short(mut value: f64, width: usize) -> String {
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let whole = format!("{value:.0}").len();
    // Behind the point what has room, the point and the unit counted.
    let digits = width.saturating_sub(whole + 2).min(2);
    format!("{value:.digits$}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_as_long_as_they_fit() {
        assert_eq!(count(0, 6), "0");
        assert_eq!(count(999_999, 6), "999999");
        assert_eq!(count(1_000_000, 6), "1.00M");
        assert_eq!(count(123_456_789, 6), "123.5M".to_owned());
        assert_eq!(count(123_456_789, 5), "123M");
        assert_eq!(count(12_345, 4), "12k");
        assert_eq!(count(u64::MAX, 6), "18.45E");
    }

    #[test]
    fn rates_have_tenths_while_they_are_small() {
        assert_eq!(rate(None, 5), "-");
        assert_eq!(rate(Some(0.0), 5), "0");
        assert_eq!(rate(Some(12.34), 5), "12.3");
        assert_eq!(rate(Some(1234.5), 5), "1234");
        assert_eq!(rate(Some(123_456.0), 5), "123k");
        assert_eq!(rate(Some(1_234_567.0), 5), "1.23M");
    }
}
