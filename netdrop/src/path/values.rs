//! The numbers that conditions ask for.

use std::collections::HashMap;

use super::{Reading, rules::Each, step::Over};
use crate::host::counters::{Kind, Scope, tunables::Tunable};

/// What is known, by name and scope.
#[derive(Debug)]
pub(super) struct Values<'a> {
    known: HashMap<&'a str, Vec<Value<'a>>>,
}

#[derive(Debug)]
struct Value<'a> {
    scope: &'a Scope,
    number: Option<f64>,
    text: String,
}

impl<'a> Values<'a> {
    pub(super) fn of(readings: &'a [Reading], tunables: &'a [Tunable], interval: bool) -> Self {
        let mut known: HashMap<&str, Vec<Value<'_>>> = HashMap::new();
        for reading in readings {
            let happened = reading.happened(interval);
            known.entry(&reading.counter.name).or_default().push(Value {
                scope: &reading.counter.scope,
                #[expect(clippy::cast_precision_loss, reason = "rules compare, to a share")]
                number: happened.map(|number| number as f64),
                text: text(reading, interval),
            });
        }
        for tunable in tunables {
            known.entry(&tunable.name).or_default().push(Value {
                scope: &tunable.scope,
                number: tunable.number(),
                text: tunable.value.clone(),
            });
        }
        Self { known }
    }

    /// What a rule is to be applied to.
    pub(super) fn scopes(&self, each: Each) -> Vec<&'a Scope> {
        if each == Each::Netns {
            return vec![&Scope::Netns];
        }
        let mut scopes: Vec<&Scope> = self
            .known
            .values()
            .flatten()
            .map(|value| value.scope)
            .filter(|scope| match each {
                Each::Netns => false,
                Each::Cpu => matches!(scope, Scope::Cpu(_)),
                Each::Device => matches!(scope, Scope::Device(_)),
                Each::Qdisc => matches!(scope, Scope::Qdisc { .. }),
                Each::Socket => matches!(scope, Scope::Socket { .. }),
            })
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }

    fn find(&self, at: &Scope, name: &str) -> Option<&Value<'a>> {
        let values = self.known.get(name)?;
        let of = |scope: &Scope| values.iter().find(|value| value.scope == scope);
        let device = || {
            at.device()
                .and_then(|device| of(&Scope::Device(device.clone())))
        };
        of(at)
            .or_else(device)
            .or_else(|| of(&Scope::Netns))
            .or_else(|| of(&Scope::Host))
    }

    /// The value of a name: of the scope itself, of its device, of the
    /// namespace, of the host, whichever there is first.
    pub(super) fn number(&self, at: &Scope, name: &str) -> Option<f64> {
        self.find(at, name)?.number
    }

    /// The same, as text.
    pub(super) fn text(&self, at: &Scope, name: &str) -> Option<&str> {
        self.find(at, name).map(|value| value.text.as_str())
    }

    /// Over all that has the name: of the device, where it is a thing of devices,
    /// or of everybody.
    pub(super) fn over(&self, at: &Scope, over: Over, name: &str) -> Option<f64> {
        let values = self.known.get(name)?;
        let all =
            at.device().is_none() || values.iter().all(|value| value.scope.device().is_none());
        let numbers: Vec<f64> = values
            .iter()
            .filter(|value| all || value.scope.device() == at.device())
            .map(|value| value.number)
            .collect::<Option<_>>()?;
        if numbers.is_empty() {
            return None;
        }
        Some(match over {
            Over::Total => numbers.iter().sum(),
            Over::Largest => numbers.iter().copied().fold(f64::MIN, f64::max),
            #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
            Over::Count => numbers.len() as f64,
        })
    }
}

fn text(reading: &Reading, interval: bool) -> String {
    let value = reading.counter.value;
    match (
        interval && reading.counter.kind != Kind::Gauge,
        reading.delta,
    ) {
        (true, Some(delta)) => format!("+{delta}"),
        (true, None) => "unknown".to_owned(),
        (false, _) => value.to_string(),
    }
}
