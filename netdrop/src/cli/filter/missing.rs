//! Names in a filter that nothing has, so far.

use crate::{
    drops::{catalogue, nearest::nearest},
    filter::{
        pattern::Pattern,
        tree::{Expr, Netns, Term},
    },
    host::{devices, netns},
    kernel::{load, symbols::Symbols},
};

/// What a filter asks for by its whole name.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    functions: Vec<String>,
    namespaces: Vec<String>,
    devices: Vec<String>,
    cpus: Vec<u16>,
}

impl Asked {
    pub(super) fn of(expr: &Expr) -> Self {
        let mut asked = Self::default();
        for term in expr.terms() {
            match term {
                Term::Function(pattern) => asked.functions.extend(whole(pattern)),
                Term::Netns(Netns::Name(pattern)) => asked.namespaces.extend(whole(pattern)),
                Term::Device(pattern) => asked.devices.extend(whole(pattern)),
                Term::Cpu(cpu) => asked.cpus.push(*cpu),
                _ => {}
            }
        }
        asked
    }

    /// A line for each that this host does not have.
    pub(super) fn missing(&self, symbols: &Symbols) -> Vec<String> {
        let mut lines = functions(&self.functions, symbols);
        if !self.namespaces.is_empty() {
            let all = netns::all();
            let known: Vec<&str> = all
                .values()
                .filter_map(|namespace| Some(&*namespace.identity.as_ref()?.name))
                .collect();
            lines.extend(missing(
                "no network namespace is called",
                &self.namespaces,
                &known,
            ));
        }
        if !self.devices.is_empty()
            && let Some(all) = devices::every_name()
        {
            let known: Vec<&str> = all.iter().map(String::as_str).collect();
            lines.extend(missing("no device is called", &self.devices, &known));
        }
        if !self.cpus.is_empty()
            && let Ok(cpus) = load::possible_cpus()
        {
            lines.extend(missing_cpus(&self.cpus, cpus));
        }
        lines
    }
}

/// The whole name that it is, if it is one.
fn whole(pattern: &Pattern) -> Option<String> {
    let name = pattern.as_str();
    (!name.contains('*')).then(|| name.to_owned())
}

fn missing(what: &str, asked: &[String], known: &[&str]) -> Vec<String> {
    let missing = asked.iter().filter(|name| {
        let pattern = Pattern::new(name);
        !known.iter().any(|known| pattern.matches(known))
    });
    missing
        .map(|name| {
            let meant = meant(nearest(name, known.iter().copied()).first());
            format!("filter: {what} {name} (now){meant}")
        })
        .collect()
}

fn meant(near: Option<&impl std::fmt::Display>) -> String {
    near.map_or(String::new(), |near| format!("; did you mean {near}?"))
}

fn missing_cpus(asked: &[u16], cpus: usize) -> Vec<String> {
    let missing = asked.iter().filter(|cpu| usize::from(**cpu) >= cpus);
    missing
        .map(|cpu| {
            format!(
                "filter: this host has no CPU {cpu}, the last is {}",
                cpus - 1
            )
        })
        .collect()
}

fn functions(asked: &[String], symbols: &Symbols) -> Vec<String> {
    let missing = asked
        .iter()
        .filter(|name| !symbols.is_empty() && symbols.range(name).is_none());
    missing
        .map(|name| {
            let known = catalogue::functions().map(|function| function.name);
            let near = nearest(name, known);
            let meant = meant(near.iter().find(|name| symbols.range(name).is_some()));
            format!("filter: this kernel has no function {name} (now){meant}")
        })
        .collect()
}

/// Reasons asked for that neither the catalogue nor this kernel (`here`) knows;
/// which ones a recording's own kernel had is not known.
pub(super) fn reasons(expr: &Expr, here: impl FnOnce() -> Vec<String>) -> Vec<String> {
    let asked: Vec<String> = expr
        .terms()
        .into_iter()
        .filter_map(|term| match term {
            Term::Reason(pattern) => whole(pattern),
            _ => None,
        })
        .collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let here = here();
    let known: Vec<&str> = catalogue::reasons()
        .map(|reason| reason.name)
        .chain(here.iter().map(String::as_str))
        .collect();
    let missing = asked
        .iter()
        .filter(|name| !known.iter().any(|known| Pattern::new(known).matches(name)));
    missing
        .map(|name| {
            let meant = meant(nearest(name, known.iter().copied()).first());
            format!("filter: no kernel that is known has a reason {name}{meant}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{missing, missing_cpus};

    #[test]
    fn what_nothing_is_called_is_told() {
        let asked = ["Shop".to_owned(), "shpo".to_owned(), "nosuch".to_owned()];
        assert_eq!(
            missing("no network namespace is called", &asked, &["host", "shop"]),
            [
                "filter: no network namespace is called shpo (now); did you mean shop?",
                "filter: no network namespace is called nosuch (now)",
            ]
        );
    }

    #[test]
    fn cpus_that_cannot_be_are_told() {
        assert_eq!(
            missing_cpus(&[0, 1, 2], 2),
            ["filter: this host has no CPU 2, the last is 1"]
        );
    }
}
