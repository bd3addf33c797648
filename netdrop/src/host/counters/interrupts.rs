//! `/proc/interrupts` and `/proc/softirqs`: how often each CPU was interrupted.

use std::{fs, path::PathBuf, sync::Arc};

use super::{Scope, links::Link, tunables::Tunable};

/// An interrupt line with a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// Its number, as in `/proc/irq`.
    pub number: u32,
    /// How often, by CPU. The kernel counts in 32 bits.
    pub counts: Vec<(u32, u64)>,
    /// What it is for, as the driver says: `eth0-rx-0`, `virtio2-input.0`.
    pub name: String,
}

/// The lines with a number; the others belong to no device.
pub(super) fn interrupts(text: &str) -> Vec<Interrupt> {
    let mut lines = text.lines();
    let cpus = cpus(lines.next().unwrap_or_default());
    lines
        .filter_map(|line| {
            let (number, rest) = line.split_once(':')?;
            let mut words = rest.split_whitespace();
            let counts = counts(&cpus, &mut words)?;
            Some(Interrupt {
                number: number.trim().parse().ok()?,
                counts,
                // Shared lines name all their drivers, with commas.
                name: words.last().unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

/// Those of network devices: by the device's list in sysfs, else by its name in
/// the interrupt's.
pub(super) fn by_device(found: Vec<Interrupt>, links: &[Link]) -> Vec<(Arc<str>, Interrupt)> {
    let numbers: Vec<(&Arc<str>, Option<Vec<u32>>)> = links
        .iter()
        .filter(|link| !link.loopback && link.kind.is_none())
        .map(|link| (&link.name, numbers(&link.name)))
        .collect();
    found
        .into_iter()
        // What changes the device's configuration carries no packets.
        .filter(|line| !line.name.ends_with("-config"))
        .filter_map(|line| {
            let (device, _) = numbers.iter().find(|(device, numbers)| match numbers {
                Some(numbers) => numbers.contains(&line.number),
                None => line
                    .name
                    .strip_prefix(&***device)
                    .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())),
            })?;
            Some((Arc::clone(device), line))
        })
        .collect()
}

/// The interrupts of the card below a device; virtio has its card one further up.
fn numbers(device: &str) -> Option<Vec<u32>> {
    let folder = PathBuf::from("/sys/class/net").join(device).join("device");
    ["msi_irqs", "../msi_irqs"].into_iter().find_map(|list| {
        let entries = fs::read_dir(folder.join(list)).ok()?;
        let numbers = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Some(numbers.collect())
    })
}

/// The CPUs that may take each device's interrupts.
pub(super) fn affinities(interrupts: &[(Arc<str>, Interrupt)]) -> Vec<Tunable> {
    interrupts
        .iter()
        .filter_map(|(device, interrupt)| {
            let Interrupt { number, name, .. } = interrupt;
            let list = fs::read_to_string(format!("/proc/irq/{number}/smp_affinity_list")).ok()?;
            Some(Tunable {
                scope: Scope::Device(Arc::clone(device)),
                name: format!("irq.affinity.{name}"),
                value: list.trim().to_owned(),
            })
        })
        .collect()
}

/// A line of `/proc/softirqs`, by its name.
pub(super) fn softirq(text: &str, name: &str) -> Option<Vec<(u32, u64)>> {
    let mut lines = text.lines();
    let cpus = cpus(lines.next()?);
    let line = lines.find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'))?;
    counts(&cpus, &mut line.split_whitespace())
}

/// Offline CPUs have no column.
fn cpus(heading: &str) -> Vec<u32> {
    heading
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("CPU")?.parse().ok())
        .collect()
}

fn counts<'a>(cpus: &[u32], words: &mut impl Iterator<Item = &'a str>) -> Option<Vec<(u32, u64)>> {
    cpus.iter()
        .map(|cpu| Some((*cpu, words.next()?.parse().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERRUPTS: &str = "           CPU0       CPU2
 38:          5      31660 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0
 41:       9361          0  IR-PCI-MSI 524289-edge      eth0-TxRx-0
NMI:          0          0   Non-maskable interrupts
ERR:          0
";

    #[test]
    fn lines_with_a_number_are_read_with_the_cpus_that_are_online() {
        let found = interrupts(INTERRUPTS);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].number, 38);
        assert_eq!(found[0].counts, [(0, 5), (2, 31660)]);
        assert_eq!(found[0].name, "virtio2-input.0");
        assert_eq!(found[1].name, "eth0-TxRx-0");
    }

    #[test]
    fn real_files_are_read_without_their_lines_of_the_cpus_own() {
        for (kernel, text) in canned!("interrupts") {
            let found = interrupts(text);
            let serial = found.iter().find(|line| line.name == "ttyS0");
            assert!(serial.is_some(), "{kernel}: {found:?}");
            assert!(found.iter().all(|line| line.counts.len() == 2), "{kernel}");
            let card = found.iter().any(|line| line.name == "virtio2-input.0");
            assert_eq!(card, kernel == "6.18", "the guests have none");
        }
    }

    #[test]
    fn real_softirqs_are_told_for_each_cpu() {
        for (kernel, text) in canned!("softirqs") {
            let received = softirq(text, "NET_RX").unwrap();
            assert_eq!(received.len(), 2, "{kernel}");
            assert!(received.iter().all(|(_, count)| *count > 0), "{kernel}");
            assert!(softirq(text, "NET_TX").is_some(), "{kernel}");
        }
    }

    #[test]
    fn softirqs_are_found_by_name() {
        let text = "      CPU0  CPU1\n  HI: 1 2\n NET_TX: 3 4\n NET_RX: 5 6\n";
        assert_eq!(softirq(text, "NET_RX"), Some(vec![(0, 5), (1, 6)]));
        assert_eq!(softirq(text, "NET"), None);
    }
}
