//! How fast a recording is played.

use std::{fmt, str::FromStr, time::Duration};

/// So many times as fast as it happened; `max`: as fast as it can be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(f64);

/// Speeds that keys choose.
const STEPS: [f64; 13] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0,
];

impl Speed {
    /// As fast as it can be read.
    pub const MAX: Self = Self(f64::INFINITY);

    /// The next higher one.
    #[must_use]
    pub fn faster(self) -> Self {
        let mut steps = STEPS.into_iter();
        steps.find(|step| *step > self.0).map_or(Self::MAX, Self)
    }

    /// The next lower one.
    #[must_use]
    pub fn slower(self) -> Self {
        let mut steps = STEPS.into_iter().rev();
        Self(steps.find(|step| *step < self.0).unwrap_or(STEPS[0]))
    }

    /// How long something is shown that took so many seconds.
    #[must_use]
    pub fn of(self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds / self.0).unwrap_or_default()
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::MAX);
        }
        let number = text.strip_suffix(['x', '×']).unwrap_or(text);
        match number.parse::<f64>() {
            Ok(times) if (STEPS[0]..=1e6).contains(&times) => Ok(Self(times)),
            _ => Err("must be a number from 0.1 on, for example 10, or max".to_owned()),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::MAX {
            f.write_str("max")
        } else {
            write!(f, "{}×", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(text: &str) -> Speed {
        text.parse().unwrap()
    }

    #[test]
    fn keys_go_up_to_max_and_down_to_a_tenth() {
        assert_eq!(speed("10").faster(), speed("20"));
        assert_eq!(speed("7x").faster(), speed("10"));
        assert_eq!(speed("7x").slower(), speed("5"));
        assert_eq!(speed("1000").faster(), Speed::MAX);
        assert_eq!(Speed::MAX.faster(), Speed::MAX);
        assert_eq!(Speed::MAX.slower(), speed("1000"));
        assert_eq!(speed("0.1").slower(), speed("0.1"));
    }

    #[test]
    fn what_took_long_is_shown_shorter() {
        assert_eq!(speed("10").of(1.0), Duration::from_millis(100));
        assert_eq!(Speed::MAX.of(3600.0), Duration::ZERO);
        assert_eq!(speed("0.5").of(1.0), Duration::from_secs(2));
    }

    #[test]
    fn only_speeds_are_read() {
        for wrong in ["0", "-1", "nan", "inf", "", "x", "1e9"] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
        assert_eq!(speed("2.5").to_string(), "2.5×");
        assert_eq!(speed("max").to_string(), "max");
    }
}
