//! Could a difference between two counts be chance?
//!
//! Where events come on their own, counts of two periods are compared exactly:
//! given their sum, the later one is binomial. Drops do not come on their own: a
//! full queue drops hundreds at once, and that is one event. So counts are
//! divided by how much more they scatter from interval to interval than
//! events on their own would (the quasi-Poisson dispersion), and a row whose
//! drops all fell into one interval counts as one event.

/// Steps of the continued fraction at most.
const STEPS: u32 = 10_000;
/// Above so many events the normal distribution is as good.
const MANY: f64 = 1e6;
/// Smaller than any number that matters.
const TINY: f64 = 1e-300;

/// A count, and how it scatters over intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scatter {
    /// Sum of the intervals' counts.
    pub(super) count: f64,
    /// Sum of their squares, each divided by the interval's seconds.
    pub(super) squares: f64,
}

impl Scatter {
    pub(super) fn add(&mut self, count: f64, seconds: f64) {
        if seconds > 0.0 {
            self.count += count;
            self.squares += count * count / seconds;
        }
    }
}

/// How long a period is, and of how many intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Length {
    pub(super) seconds: f64,
    pub(super) intervals: f64,
}

/// How many drops come together, at least 1: one event of them.
pub(super) fn burst(sides: [(Scatter, Length); 2]) -> f64 {
    let mut deviation = 0.0;
    let mut freedom = 0.0;
    let mut most: f64 = 0.0;
    for (scatter, length) in sides {
        most = most.max(scatter.count);
        if scatter.count > 0.0 && length.intervals > 1.0 {
            deviation += length.seconds / scatter.count * scatter.squares - scatter.count;
            freedom += length.intervals - 1.0;
        }
    }
    // One interval tells nothing: all of it may be one event.
    let burst = if freedom > 0.0 {
        deviation / freedom
    } else {
        most
    };
    burst.max(1.0)
}

/// The probability that rates which are the same differ as much as these do.
pub(super) fn probability(before: (f64, f64), after: (f64, f64)) -> f64 {
    let ((before, seconds_before), (after, seconds_after)) = (before, after);
    let (all, seconds) = (before + after, seconds_before + seconds_after);
    if all <= 0.0 || seconds_before <= 0.0 || seconds_after <= 0.0 {
        return 1.0;
    }
    let share = seconds_after / seconds;
    let upper = at_least(after, all, share);
    let lower = at_least(before, all, 1.0 - share);
    (2.0 * upper.min(lower)).min(1.0)
}

/// Benjamini and Hochberg: the share of chance findings among all that are as
/// improbable or more.
pub(super) fn adjusted(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let mut adjusted = vec![1.0; probabilities.len()];
    let mut least: f64 = 1.0;
    let all = float(probabilities.len());
    for (from_last, index) in order.into_iter().enumerate() {
        let rank = all - float(from_last);
        least = least.min(probabilities[index] * all / rank);
        adjusted[index] = least;
    }
    adjusted
}

#[expect(clippy::cast_precision_loss, reason = "numbers of rows")]
fn float(count: usize) -> f64 {
    count as f64
}

/// The probability of `count` or more of `all`, each with probability `share`.
fn at_least(count: f64, all: f64, share: f64) -> f64 {
    if count <= 0.0 {
        return 1.0;
    }
    if all > MANY {
        let deviation = (all * share * (1.0 - share)).sqrt();
        return normal_above((count - 0.5 - all * share) / deviation);
    }
    beta(share, count, all - count + 1.0)
}

/// The regularised incomplete beta function.
fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front =
        (log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(1.0 - x, b, a) / b
    }
}

/// Its continued fraction, by Lentz's method.
#[expect(
    clippy::many_single_char_names,
    reason = "the names that the formula has everywhere"
)]
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..=STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-12 {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function, by Stirling's series.
fn log_gamma(x: f64) -> f64 {
    // The series is good from 10 on.
    let mut shift = 0.0;
    let mut x = x;
    while x < 10.0 {
        shift += x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - shift
}

/// The upper tail of the normal distribution (Abramowitz and Stegun, 26.2.17;
/// wrong by less than 1e-7).
fn normal_above(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_above(-z);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let factors = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let series = factors
        .iter()
        .rev()
        .fold(0.0, |sum, factor| (sum + factor) * t);
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * series
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }

    #[test]
    fn small_counts_are_compared_exactly() {
        // One of one, two of two, of equal lengths: half, and a quarter, doubled.
        close(probability((0.0, 1.0), (1.0, 1.0)), 1.0);
        close(probability((0.0, 1.0), (2.0, 1.0)), 0.5);
        close(probability((0.0, 1.0), (5.0, 1.0)), 2.0 / 32.0);
        close(probability((5.0, 1.0), (0.0, 1.0)), 2.0 / 32.0);
        // 8 or more of 10: 56 of 1024.
        close(probability((2.0, 1.0), (8.0, 1.0)), 2.0 * 56.0 / 1024.0);
        // Three of three, a third of the time.
        close(probability((0.0, 2.0), (3.0, 1.0)), 2.0 / 27.0);
        close(probability((0.0, 1.0), (0.0, 1.0)), 1.0);
    }

    #[test]
    fn large_counts_go_over_smoothly() {
        let exact = probability((499_000.0, 1.0), (500_900.0, 1.0));
        let normal = probability((499_100.0, 1.0), (501_000.0, 1.0));
        assert!((exact - normal).abs() < 1e-3, "{exact} {normal}");
        assert!(probability((1e9, 1.0), (2e9, 1.0)) < 1e-12);
    }

    #[test]
    fn a_burst_is_one_event_and_a_steady_rate_is_many() {
        let length = Length {
            seconds: 60.0,
            intervals: 60.0,
        };
        let mut once = Scatter::default();
        once.add(300.0, 1.0);
        let nothing = (Scatter::default(), length);
        let size = burst([nothing, (once, length)]);
        assert!(size > 290.0, "{size}");
        let mut steady = Scatter::default();
        for _ in 0..60 {
            steady.add(5.0, 1.0);
        }
        close(burst([nothing, (steady, length)]), 1.0);
        let short = Length {
            seconds: 1.0,
            intervals: 1.0,
        };
        close(burst([nothing, (once, short)]), 300.0);
    }

    #[test]
    fn many_comparisons_make_each_less_sure() {
        let adjusted = adjusted(&[0.01, 0.5, 0.02, 0.04]);
        for (found, wanted) in adjusted.iter().zip([0.04, 0.5, 0.04, 0.16 / 3.0]) {
            close(*found, wanted);
        }
    }
}
