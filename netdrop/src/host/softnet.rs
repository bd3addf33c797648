//! `/proc/net/softnet_stat`: what each CPU took from the devices.

use std::{fs, io, ops::AddAssign};

const FILE: &str = "/proc/net/softnet_stat";

/// Counters since boot of one CPU, or of all.
///
/// The kernel counts in 32 bits: take differences with [`Softnet::since`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets handled.
    pub processed: u64,
    /// Packets dropped because the CPU's backlog was full.
    pub dropped: u64,
    /// Times that NAPI polling ended with work left.
    pub time_squeeze: u64,
    /// Times that another CPU sent packets here (RPS).
    pub received_rps: u64,
    /// Packets dropped by the flow limit of the backlog.
    pub flow_limit: u64,
}

/// The counters of each CPU that is online.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Softnet {
    /// CPU number and counters, by CPU number.
    pub cpus: Vec<(u32, Counts)>,
    /// CPU number and packets in its backlog now, as far as the kernel says.
    pub backlog: Vec<(u32, u32)>,
}

/// Why the counters could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SoftnetError {
    /// The file could not be read.
    #[error("cannot read /proc/net/softnet_stat: {0}; is /proc mounted?")]
    Read(#[from] io::Error),
    /// A line is not as the kernel writes it.
    #[error(
        "cannot use /proc/net/softnet_stat: line {0} is not made of hexadecimal columns; \
         a newer netdrop is needed"
    )]
    Line(usize),
}

impl Softnet {
    /// Reads the counters.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not as expected.
    pub fn read() -> Result<Self, SoftnetError> {
        Self::parse(&fs::read_to_string(FILE)?)
    }

    /// Reads the file's text. The CPU number is column 13, from 5.10 on.
    ///
    /// # Errors
    ///
    /// Names the first line that is not as expected.
    pub fn parse(text: &str) -> Result<Self, SoftnetError> {
        let mut softnet = Self::default();
        for (number, line) in text.lines().enumerate() {
            let (cpu, counts, backlog) = cpu(number, line).ok_or(SoftnetError::Line(number + 1))?;
            softnet.cpus.push((cpu, counts));
            softnet.backlog.extend(backlog.map(|length| (cpu, length)));
        }
        softnet.cpus.sort_unstable_by_key(|&(cpu, _)| cpu);
        softnet.backlog.sort_unstable();
        Ok(softnet)
    }

    /// All CPUs together.
    #[must_use]
    pub fn sum(&self) -> Counts {
        let mut sum = Counts::default();
        for (_, counts) in &self.cpus {
            sum += *counts;
        }
        sum
    }

    /// What was counted since `earlier`, over 32-bit wraps. A CPU that was
    /// offline then counts nothing, since its old counters are not known.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let cpus = self
            .cpus
            .iter()
            .map(|&(cpu, now)| {
                let before = earlier
                    .cpus
                    .iter()
                    .find(|&&(other, _)| other == cpu)
                    .map_or(now, |&(_, before)| before);
                (cpu, now.minus(before))
            })
            .collect();
        Self {
            cpus,
            backlog: self.backlog.clone(),
        }
    }
}

impl Counts {
    fn minus(self, before: Self) -> Self {
        let minus = |now: u64, before: u64| now.wrapping_sub(before) & u64::from(u32::MAX);
        Self {
            processed: minus(self.processed, before.processed),
            dropped: minus(self.dropped, before.dropped),
            time_squeeze: minus(self.time_squeeze, before.time_squeeze),
            received_rps: minus(self.received_rps, before.received_rps),
            // Begins anew when the flow limit is switched off and on.
            flow_limit: if self.flow_limit < before.flow_limit {
                self.flow_limit
            } else {
                self.flow_limit - before.flow_limit
            },
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.processed += other.processed;
        self.dropped += other.dropped;
        self.time_squeeze += other.time_squeeze;
        self.received_rps += other.received_rps;
        self.flow_limit += other.flow_limit;
    }
}

/// CPU number, counters, and the length of the backlog (from 5.10 on).
fn cpu(line_number: usize, line: &str) -> Option<(u32, Counts, Option<u32>)> {
    let columns = line
        .split_ascii_whitespace()
        .map(|column| u32::from_str_radix(column, 16).ok())
        .collect::<Option<Vec<_>>>()?;
    let &[processed, dropped, time_squeeze, ..] = columns.as_slice() else {
        return None;
    };
    let column = |number: usize| u64::from(columns.get(number - 1).copied().unwrap_or_default());
    let counts = Counts {
        processed: processed.into(),
        dropped: dropped.into(),
        time_squeeze: time_squeeze.into(),
        received_rps: column(10),
        flow_limit: column(11),
    };
    let cpu = match columns.get(12) {
        Some(&cpu) => cpu,
        None => u32::try_from(line_number).ok()?,
    };
    Some((cpu, counts, columns.get(11).copied()))
}

#[cfg(test)]
mod tests {
    use super::{Counts, Softnet};
    use crate::host::counters::canned;

    /// From 6.18; CPU 1 is offline.
    const TWO: &str = "\
00012cfb 00000002 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000004 00000005 00000000 00000000 00000000 00000000
ffffffff 00000000 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000002 00000000 00000000
";

    #[test]
    fn a_flow_limit_that_is_switched_off_and_on_begins_anew() {
        let of = |flow_limit| Counts {
            flow_limit,
            ..Counts::default()
        };
        assert_eq!(of(3).minus(of(9)).flow_limit, 3);
        assert_eq!(of(9).minus(of(3)).flow_limit, 6);
        assert_eq!(of(0).minus(of(9)).flow_limit, 0);
    }

    #[test]
    fn each_cpu_has_its_counters_and_they_add_up() {
        let softnet = Softnet::parse(TWO).unwrap();
        let numbers: Vec<_> = softnet.cpus.iter().map(|&(cpu, _)| cpu).collect();
        assert_eq!(numbers, [0, 2]);
        assert_eq!(
            softnet.sum(),
            Counts {
                processed: 0x1_2cfb + 0xffff_ffff,
                dropped: 2,
                time_squeeze: 4,
                received_rps: 4,
                flow_limit: 5,
            }
        );
    }

    #[test]
    fn differences_survive_a_wrap_and_a_cpu_that_came_online() {
        let before = Softnet::parse(TWO).unwrap();
        let after = TWO
            .replace("ffffffff", "00000009")
            .replace("00012cfb", "00012cfc");
        let mut after = Softnet::parse(&after).unwrap();
        after.cpus.push((3, after.cpus[0].1));
        let delta = after.since(&before);
        assert_eq!(delta.sum().processed, 1 + 10);
        assert_eq!(delta.sum().dropped, 0);
    }

    #[test]
    fn real_files_tell_the_length_of_the_backlog() {
        for (kernel, text) in canned!("softnet_stat") {
            let softnet = Softnet::parse(text).unwrap();
            assert_eq!(softnet.backlog, [(0, 0), (1, 0)], "{kernel}");
            assert!(softnet.sum().processed > 0, "{kernel}");
        }
    }

    #[test]
    fn old_files_without_a_cpu_column_are_read_and_broken_ones_are_not() {
        let old = Softnet::parse("00000001 00000002 00000003 00000000\n").unwrap();
        assert_eq!(old.cpus[0].0, 0);
        assert_eq!(old.sum().dropped, 2);
        assert!(Softnet::parse("00000001 xyz 00000003\n").is_err());
        assert!(Softnet::parse("00000001\n").is_err());
    }
}
