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

/// One of the numbers of a setting that has several.
pub(super) fn nth(tunables: &[Tunable], name: &str, place: usize) -> Option<u64> {
    let tunable = tunables.iter().find(|tunable| tunable.name == name)?;
    tunable.value.split_whitespace().nth(place)?.parse().ok()
}

/// Those of these names that are sysctls of the whole host. Most are there in
/// the first namespace only.
pub(super) fn of_host(names: &[&str]) -> Vec<Tunable> {
    let names = names.iter().filter(|name| is_sysctl(name));
    names
        .filter(|name| !is_of_device(name) && !is_of_namespace(name))
        .filter_map(|name| read(name.split('.').collect(), Scope::Host, name))
        .collect()
}

/// Those of these names that are sysctls of the calling thread's namespace;
/// those of devices (`DEV`) for each of them, and `all`. What is not there is
/// left out.
pub(super) fn of_namespace(names: &[&str], links: &[Link]) -> Vec<Tunable> {
    let mut found = Vec::new();
    for name in names.iter().filter(|name| is_sysctl(name)) {
        if is_of_device(name) {
            // A device's name may have dots: the path is made part by part.
            let path = |device| -> PathBuf {
                name.split('.')
                    .map(|part| if part == DEV { device } else { part })
                    .collect()
            };
            for link in links {
                let scope = Scope::Device(Arc::clone(&link.name));
                found.extend(read(path(&*link.name), scope, name));
            }
            found.extend(read(path("all"), Scope::Netns, &name.replace(DEV, "all")));
        } else if is_of_namespace(name) {
            found.extend(read(name.split('.').collect(), Scope::Netns, name));
        }
    }
    // Some are named for all devices, too.
    found.sort_by(|a: &Tunable, b| (&a.name, &a.scope).cmp(&(&b.name, &b.scope)));
    found.dedup();
    found
}

fn is_sysctl(name: &str) -> bool {
    !name.starts_with('/')
}

fn is_of_device(name: &str) -> bool {
    name.split('.').any(|part| part == DEV)
}

/// Is there one for each namespace? (`net/core/sysctl_net_core.c`,
/// `net/ipv4/sysctl_net_ipv4.c` and others, 5.10 to 7.2.)
fn is_of_namespace(name: &str) -> bool {
    !name.starts_with("vm.")
        && (!name.starts_with("net.core.") || name == "net.core.somaxconn" || name.contains("xfrm"))
        && !name.contains(".neigh.default.gc_thresh")
        && !matches!(name, "net.ipv4.tcp_mem" | "net.ipv4.udp_mem")
}

fn read(path: PathBuf, scope: Scope, name: &str) -> Option<Tunable> {
    let text = fs::read_to_string(PathBuf::from("/proc/sys").join(path)).ok()?;
    Some(Tunable {
        scope,
        name: name.to_owned(),
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
        let names = [
            "net.core.somaxconn",
            "net.core.nothing",
            "vm.min_free_kbytes",
            "net.ipv4.conf.DEV.rp_filter",
        ];
        let mut found = of_host(&names);
        found.extend(of_namespace(&names, &[lo]));
        let names: Vec<_> = found
            .iter()
            .map(|tunable| (tunable.scope.to_string(), tunable.name.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                ("host".to_owned(), "vm.min_free_kbytes"),
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
