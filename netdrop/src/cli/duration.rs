//! Durations such as `500ms`, `10s`, `5m`.

use std::time::Duration;

const UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
const LONGEST: Duration = Duration::from_hours(8784);
/// Reading and clearing the counts takes some milliseconds itself.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// Reads a duration that is longer than zero.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-' && c != '+')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number
        .parse()
        .map_err(|_| "not a duration; write for example 500ms, 10s or 5m".to_owned())?;
    let (_, scale) = UNITS
        .into_iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| {
            if unit.is_empty() {
                format!("needs a unit: {text}ms, {text}s, {text}m or {text}h")
            } else {
                format!("unknown unit '{unit}'; units are ms, s, m and h")
            }
        })?;
    match Duration::try_from_secs_f64(number * scale) {
        Ok(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
        Err(_) | Ok(_) if number * scale <= LONGEST.as_secs_f64() => {
            Err("must be longer than zero, for example 500ms, 10s or 5m".to_owned())
        }
        _ => Err("must not be longer than a year (8784h)".to_owned()),
    }
}

/// Reads the length of an interval.
pub(super) fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse(text)?;
    if interval < SHORTEST_INTERVAL {
        return Err("must be at least 10ms".to_owned());
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(parse("5").unwrap_err(), "needs a unit: 5ms, 5s, 5m or 5h");
        assert_eq!(
            parse("5d").unwrap_err(),
            "unknown unit 'd'; units are ms, s, m and h"
        );
    }

    #[test]
    fn no_time_and_less_are_refused() {
        for text in ["0s", "-1s", "0.0000000001ms"] {
            assert!(
                parse(text).unwrap_err().starts_with("must be longer"),
                "{text}"
            );
        }
        for text in ["", "s", "abc", "1-2s", "--", "."] {
            assert!(parse(text).unwrap_err().starts_with("not a"), "{text}");
        }
        for text in ["100000h", "99999999999999999999999999h"] {
            assert!(parse(text).unwrap_err().contains("year"), "{text}");
        }
    }

    #[test]
    fn an_interval_is_at_least_ten_milliseconds() {
        assert!(parse_interval("9ms").is_err());
        assert_eq!(parse_interval("10ms"), Ok(SHORTEST_INTERVAL));
    }
}
