//! Medians, and numbers as people read them.

/// The middle of `values`; 0 when there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Thousands apart: `1 234 567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Thousands a second: `412 k/s`.
pub(crate) fn rate(per_second: f64) -> String {
    format!("{:.0} k/s", per_second / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two() {
        let cases: [(&[f64], f64); 3] = [(&[3.0, 1.0, 2.0], 2.0), (&[1.0, 2.0], 1.5), (&[], 0.0)];
        for (values, expected) in cases {
            assert!((median(values) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(grouped(12), "12");
    }
}
