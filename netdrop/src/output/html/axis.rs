//! Axes: where marks stand and what they say.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::name::per_second;

/// Marks of a time axis at most.
const MOST_MARKS: i64 = 7;
/// Seconds between marks.
const STEPS: [i64; 19] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    604_800,
];
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// A time from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeAxis {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// Units of a chart's width.
pub(super) const WIDTH: f64 = 1000.0;

impl TimeAxis {
    /// From the left.
    pub(super) fn x(self, time: Timestamp) -> f64 {
        let all = self.last.duration_since(self.first).as_secs_f64();
        let at = time.duration_since(self.first).as_secs_f64();
        if all > 0.0 {
            (at / all * WIDTH).clamp(0.0, WIDTH)
        } else {
            0.0
        }
    }

    fn marks(self) -> Vec<(f64, String)> {
        let seconds = self.last.duration_since(self.first).as_secs();
        let step = STEPS
            .into_iter()
            .find(|step| seconds / step < MOST_MARKS)
            .unwrap_or(seconds / MOST_MARKS + 1);
        let format = match step {
            ..MINUTE => "%H:%M:%S",
            MINUTE..DAY => "%H:%M",
            _ => "%m-%d",
        };
        let begin = self.first.as_second();
        // Rounded up to a multiple of the step.
        let from = begin + (step - begin.rem_euclid(step)) % step;
        let mut marks = Vec::new();
        let mut at = from;
        while let Ok(time) = Timestamp::from_second(at) {
            if time > self.last {
                break;
            }
            if time >= self.first {
                marks.push((
                    self.x(time) / WIDTH * 100.0,
                    time.strftime(format).to_string(),
                ));
            }
            at += step;
        }
        if marks.is_empty() {
            let time = self.first + SignedDuration::ZERO;
            marks.push((0.0, time.strftime("%H:%M:%S").to_string()));
        }
        marks
    }

    /// The labels below a chart, which need no words: the table behind it tells
    /// the times.
    pub(super) fn labels(self) -> Markup {
        html! {
            div.xs aria-hidden="true" {
                @for (left, text) in self.marks() {
                    @let side = if left < 4.0 { "start" } else if left > 96.0 { "end" } else { "mid" };
                    span class=(side) style=(format!("left:{left:.2}%")) { (text) }
                }
            }
        }
    }

    /// Lines where the marks are.
    pub(super) fn lines(self, height: f64) -> Markup {
        html! {
            @for (left, _) in self.marks() {
                @let x = format!("{:.1}", left * WIDTH / 100.0);
                line.grid x1=(x) x2=(x) y1="0" y2=(height) {}
            }
        }
    }
}

/// The labels beside a chart whose top is the highest rate.
pub(super) fn rates(most: f64) -> Markup {
    html! {
        div.ys aria-hidden="true" {
            span { (per_second(most)) }
            span { (per_second(most / 2.0)) }
            span { "0" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(first: &str, last: &str) -> Vec<String> {
        let axis = TimeAxis {
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
        };
        axis.marks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn marks_stand_at_round_times() {
        assert_eq!(
            marks("2026-11-22T01:50:40.5Z", "2026-11-22T01:50:52Z"),
            [
                "01:50:42", "01:50:44", "01:50:46", "01:50:48", "01:50:50", "01:50:52"
            ]
        );
        assert_eq!(
            marks("2026-11-22T01:50:40Z", "2026-11-22T12:10:00Z"),
            ["02:00", "04:00", "06:00", "08:00", "10:00", "12:00"]
        );
        assert_eq!(
            marks("2026-11-20T01:00:00Z", "2026-11-23T01:00:00Z").len(),
            6
        );
        // Not a whole second in it.
        assert_eq!(
            marks("2026-11-22T01:50:40.1Z", "2026-11-22T01:50:40.9Z"),
            ["01:50:40"]
        );
    }
}
