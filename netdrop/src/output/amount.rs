//! Numbers of things, for people.

/// `1 drop`, `5 drops`
#[must_use]
pub fn count_text(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// `999 bytes`, `1.5 KiB`
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a size for people needs two digits"
)]
pub fn bytes_text(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64 / 1024.0;
    if bytes < 1024 {
        return count_text(bytes, "byte");
    }
    for unit in &units[..units.len() - 1] {
        if size < 1024.0 {
            return format!("{size:.1} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.1} {}", units[units.len() - 1])
}

/// `200 µs`, `1.5 s`, `12 min 30 s`, `2 h 5 min`
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds of a duration that is not negative"
)]
pub fn duration_text(seconds: f64) -> String {
    if seconds < 0.001 {
        return format!("{:.0} µs", seconds * 1e6);
    }
    if seconds < 1.0 {
        return format!("{:.0} ms", seconds * 1e3);
    }
    if seconds < 60.0 {
        let text = format!("{seconds:.1}");
        return format!("{} s", text.strip_suffix(".0").unwrap_or(&text));
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes, seconds) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `1 234 567`, with narrow spaces that do not break.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{bytes_text, count_text, duration_text, grouped};

    #[test]
    fn sizes_have_the_unit_that_suits_them() {
        assert_eq!(count_text(1, "drop"), "1 drop");
        assert_eq!(bytes_text(1023), "1023 bytes");
        assert_eq!(bytes_text(1536), "1.5 KiB");
        assert_eq!(bytes_text(5 << 20), "5.0 MiB");
        assert_eq!(bytes_text(u64::MAX), "16777216.0 TiB");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (seconds, text) in [
            (0.000_2, "200 µs"),
            (0.015, "15 ms"),
            (1.5, "1.5 s"),
            (10.0, "10 s"),
            (60.0, "1 min"),
            (750.0, "12 min 30 s"),
            (7500.0, "2 h 5 min"),
            (36_000.0, "10 h"),
        ] {
            assert_eq!(duration_text(seconds), text);
        }
    }

    #[test]
    fn digits_stand_in_threes() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1\u{202f}000");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
