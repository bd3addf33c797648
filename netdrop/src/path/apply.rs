//! What a condition comes to.

use super::step::{Operation, Over, Step};

/// The value of a condition; `None` where it hangs on something unknown.
pub(super) fn value(
    steps: &[Step<'_>],
    name: impl Fn(&str) -> Option<f64>,
    over: impl Fn(Over, &str) -> Option<f64>,
) -> Option<f64> {
    let mut stack: Vec<Option<f64>> = Vec::new();
    for step in steps {
        let value = match step {
            Step::Number(number) => Some(*number),
            Step::Name(known) => name(known),
            Step::Over(what, known) => over(*what, known),
            Step::Apply(Operation::Not) => {
                let value = stack.pop()?;
                value.map(|value| f64::from(value == 0.0))
            }
            Step::Apply(operation) => {
                let right = stack.pop()?;
                let left = stack.pop()?;
                operation.of(left, right)
            }
        };
        stack.push(value);
    }
    stack.pop()?
}

impl Operation {
    fn of(self, left: Option<f64>, right: Option<f64>) -> Option<f64> {
        // What one side decides needs no other.
        match (self, left, right) {
            (Self::And, Some(0.0), _) | (Self::And, _, Some(0.0)) => return Some(0.0),
            (Self::Or, Some(known), _) if known != 0.0 => return Some(1.0),
            (Self::Or, _, Some(known)) if known != 0.0 => return Some(1.0),
            _ => {}
        }
        let (left, right) = (left?, right?);
        #[expect(clippy::float_cmp, reason = "settings and counts are whole numbers")]
        let is = match self {
            Self::Or => left != 0.0 || right != 0.0,
            Self::And => left != 0.0 && right != 0.0,
            Self::Greater => left > right,
            Self::AtLeast => left >= right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Plus => return Some(left + right),
            Self::Minus => return Some(left - right),
            Self::Times => return Some(left * right),
            Self::Divide => return (right != 0.0).then(|| left / right),
            Self::Not => return None,
        };
        Some(f64::from(is))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drops::catalogue::build::condition::parse;

    fn is(text: &str) -> Option<f64> {
        let steps = parse(text).unwrap();
        let name = |name: &str| match name {
            "zero" => Some(0.0),
            "ten" => Some(10.0),
            _ => None,
        };
        let over = |over, name: &str| match (over, name) {
            (Over::Total, "irq.count") => Some(100.0),
            (Over::Largest, "irq.count") => Some(97.0),
            (Over::Count, "irq.count") => Some(2.0),
            _ => None,
        };
        value(&steps, name, over)
    }

    #[test]
    fn conditions_mean_what_they_say() {
        for (text, meant) in [
            ("ten > 5 and ten < 20", Some(1.0)),
            ("1 + 2 * 3 == 7", Some(1.0)),
            ("(1 + 2) * 3 == 7", Some(0.0)),
            ("10% * ten == 1", Some(1.0)),
            ("not ten > 5 or ten == 10", Some(1.0)),
            ("ten - 1 - 2 == 7", Some(1.0)),
            (
                "largest(irq.count) > 95% * total(irq.count) and count(irq.count) > 1",
                Some(1.0),
            ),
        ] {
            assert_eq!(is(text), meant, "{text}");
        }
    }

    #[test]
    fn the_unknown_decides_nothing() {
        for (text, meant) in [
            ("unknown > 0", None),
            ("unknown > 0 or ten > 0", Some(1.0)),
            ("unknown > 0 and zero > 0", Some(0.0)),
            ("unknown > 0 and ten > 0", None),
            ("not unknown > 0", None),
            ("ten / zero > 1", None),
        ] {
            assert_eq!(is(text), meant, "{text}");
        }
    }
}
