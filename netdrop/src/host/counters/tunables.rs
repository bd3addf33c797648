//! Settings of the stack: sysctls and files of `/sys/class/net`.

use std::{fs, path::PathBuf, sync::Arc};

use super::{Scope, links::Link};

/// Stands for a device in the names of settings.
const DEV: &str = "DEV";

/// A setting and what it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunable {
    /// What it belongs to.
    pub scope: Scope,
    /// Its name: `net.core.somaxconn`, `net.ipv4.conf.DEV.rp_filter`,
    /// `ring.rx`.
    pub name: String,
    /// What it is set to.
    pub value: String,
}

impl Tunable {
    /// As a number, if it is one; the first one where it is several.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        self.value.split_whitespace().next()?.parse().ok()
    }
}

/// The sysctls of these names, those of devices (`DEV`) for each of them, and
/// `all`. What is not there, or not in this namespace, is left out.
pub(super) fn sysctls(names: &[&str], links: &[Link]) -> Vec<Tunable> {
    let mut found = Vec::new();
    for name in names {
        if name.split('.').any(|part| part == DEV) {
            let devices = links
                .iter()
                .map(|link| (Scope::Device(link.name.clone()), &*link.name));
            let all = (Scope::Netns, "all");
            for (scope, device) in devices.chain([all]) {
                // Dots in a device's name are slashes in the path of a sysctl
                // only for programs that take names: here the path is made.
                let path: PathBuf = name
                    .split('.')
                    .map(|part| if part == DEV { device } else { part })
                    .collect();
                let name = if scope == Scope::Netns {
                    name.replace(DEV, "all")
                } else {
                    (*name).to_owned()
                };
                found.extend(read(path, scope, name));
            }
        } else {
            let path: PathBuf = name.split('.').collect();
            let scope = if is_of_namespace(name) {
                Scope::Netns
            } else {
                Scope::Host
            };
            found.extend(read(path, scope, (*name).to_owned()));
        }
    }
    found.dedup();
    found
}

/// Is there one for each namespace? (`net/core/sysctl_net_core.c`,
/// `net/ipv4/sysctl_net_ipv4.c` and others, 5.10 to 7.2.)
fn is_of_namespace(name: &str) -> bool {
    !name.starts_with("vm.")
        && (!name.starts_with("net.core.") || name == "net.core.somaxconn" || name.contains("xfrm"))
        && !name.contains(".neigh.default.gc_thresh")
}

fn read(path: PathBuf, scope: Scope, name: String) -> Option<Tunable> {
    let text = fs::read_to_string(PathBuf::from("/proc/sys").join(path)).ok()?;
    Some(Tunable {
        scope,
        name,
        value: one_line(&text),
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Files of a device in sysfs, for names such as
/// `/sys/class/net/DEV/queues/rx-N/rps_cpus`; those of queues with all values
/// that there are, each once. `/sys` must be that of the namespace.
pub(super) fn files(names: &[&str], device: &Arc<str>) -> Vec<Tunable> {
    const QUEUES: &str = "queues/";
    let folder = PathBuf::from("/sys/class/net").join(&**device);
    let value = |path: PathBuf| fs::read_to_string(path).ok().map(|text| one_line(&text));
    let mut found = Vec::new();
    for name in names {
        let Some(file) = name.strip_prefix("/sys/class/net/DEV/") else {
            continue;
        };
        let values: Vec<String> = match file.strip_prefix(QUEUES).and_then(|f| f.split_once("-N/"))
        {
            Some((way, file)) => {
                let queues = fs::read_dir(folder.join(QUEUES)).into_iter().flatten();
                let mut values: Vec<String> = queues
                    .flatten()
                    .filter(|queue| queue.file_name().to_string_lossy().starts_with(way))
                    .filter_map(|queue| value(queue.path().join(file)))
                    .collect();
                values.sort();
                values.dedup();
                values
            }
            None => value(folder.join(file)).into_iter().collect(),
        };
        if !values.is_empty() {
            found.push(Tunable {
                scope: Scope::Device(Arc::clone(device)),
                name: (*name).to_owned(),
                value: values.join(" "),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysctls_are_read_and_unknown_ones_are_left_out() {
        let lo = Link {
            name: "lo".into(),
            ..Link::default()
        };
        let found = sysctls(
            &[
                "net.core.somaxconn",
                "net.core.nothing",
                "net.ipv4.conf.DEV.rp_filter",
            ],
            &[lo],
        );
        let names: Vec<_> = found
            .iter()
            .map(|tunable| (tunable.scope.to_string(), tunable.name.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                ("netns".to_owned(), "net.core.somaxconn"),
                ("lo".to_owned(), "net.ipv4.conf.DEV.rp_filter"),
                ("netns".to_owned(), "net.ipv4.conf.all.rp_filter"),
            ]
        );
        assert!(found[0].number().is_some_and(|backlog| backlog > 0.0));
    }

    #[test]
    fn several_numbers_stand_on_one_line() {
        assert_eq!(one_line("4096\t131072\t6291456\n"), "4096 131072 6291456");
    }
}
