//! Reports of several hosts beside each other.

use std::collections::HashMap;

use jiff::Timestamp;

use super::report::{Report, Times};
use crate::tally::{period::Totals, row::Row, sums::Sums};

/// Hosts, in the order in which they were named.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// At least one.
    pub hosts: Vec<Host>,
}

/// A host.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its name; with a number where another has the same.
    pub name: String,
    /// What its recordings show.
    pub report: Report,
}

/// A row of one of the hosts.
#[derive(Clone, Copy, Debug)]
pub struct HostRow<'f> {
    /// Whose.
    pub host: &'f Host,
    /// The row.
    pub row: &'f Row,
    /// When.
    pub times: Option<Times>,
}

/// Rows that are not shown, of all hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Others {
    /// How many, as far as that is known.
    pub rows: usize,
    /// Their sums.
    pub sums: Sums,
}

impl Fleet {
    /// Hosts by name.
    #[must_use]
    pub fn of(reports: Vec<Report>) -> Self {
        let mut seen: HashMap<String, u32> = HashMap::new();
        let hosts = reports.into_iter().map(|report| {
            let name = match &*report.header.host {
                "" => "unnamed host",
                name => name,
            };
            let times = seen.entry(name.to_owned()).or_default();
            *times += 1;
            let name = match times {
                1 => name.to_owned(),
                times => format!("{name} ({times})"),
            };
            Host { name, report }
        });
        Self {
            hosts: hosts.collect(),
        }
    }

    /// The only host, if there is no other.
    #[must_use]
    pub fn only(&self) -> Option<&Host> {
        match &*self.hosts {
            [host] => Some(host),
            _ => None,
        }
    }

    /// All drops of all hosts.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut all = Totals::default();
        for Host { report, .. } in &self.hosts {
            all.sums += &report.summary.totals.sums;
            all.hidden += report.summary.totals.hidden;
        }
        all
    }

    /// From the first start to the last end, by each host's clock.
    #[must_use]
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let spans = || self.hosts.iter().filter_map(|host| host.report.span);
        let first = spans().map(|(first, _)| first).min()?;
        let last = spans().map(|(_, last)| last).max()?;
        Some((first, last))
    }

    /// When all hosts were recorded, by each host's clock.
    #[must_use]
    pub fn overlap(&self) -> Option<(Timestamp, Timestamp)> {
        let mut hosts = self.hosts.iter();
        let (mut first, mut last) = hosts.next()?.report.span?;
        for host in hosts {
            let (start, end) = host.report.span?;
            (first, last) = (first.max(start), last.min(end));
        }
        (first < last).then_some((first, last))
    }

    /// The rows of all hosts, most drops first, and the sum of those beyond `top`.
    #[must_use]
    pub fn rows(&self, top: usize) -> (Vec<HostRow<'_>>, Option<Others>) {
        let mut rows = Vec::new();
        let mut others = Others::default();
        for host in &self.hosts {
            let Report { summary, times, .. } = &host.report;
            for (row, times) in summary.rows.iter().zip(times) {
                match row.other {
                    Some(other) => others.add(other.rows(), &row.sums),
                    None => rows.push(HostRow {
                        host,
                        row,
                        times: *times,
                    }),
                }
            }
        }
        // Stable: rows of the same host stay in their order.
        rows.sort_by_key(|row| std::cmp::Reverse(row.row.sums.drops()));
        let beyond = rows.len().min(top);
        for more in rows.split_off(beyond) {
            others.add(1, &more.row.sums);
        }
        (rows, (others.sums.drops() > 0).then_some(others))
    }
}

impl Others {
    fn add(&mut self, rows: usize, sums: &Sums) {
        self.rows += rows;
        self.sums += sums;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    #[test]
    fn rows_of_all_hosts_and_the_others_add_up_to_what_is_not_hidden() {
        let fleet = Fleet::of(vec![samples::report(), samples::report()]);
        assert_eq!(fleet.hosts[1].name, format!("{} (2)", fleet.hosts[0].name));
        assert_eq!(fleet.only(), None);
        let totals = fleet.totals();
        for top in [0, 1, 3, 100] {
            let (rows, others) = fleet.rows(top);
            assert!(rows.len() <= top);
            let shown: u64 = rows.iter().map(|row| row.row.sums.drops()).sum();
            let left = others.map_or(0, |others| others.sums.drops());
            assert_eq!(shown + left, totals.sums.drops() - totals.hidden);
        }
        let (rows, others) = fleet.rows(100);
        assert!(rows.is_sorted_by(|a, b| a.row.sums.drops() >= b.row.sums.drops()));
        assert_eq!(others.unwrap().rows, 2 * 37);
    }

    #[test]
    fn hosts_overlap_where_all_were_recorded() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let report = |first, last| Report {
            span: Some((at(first), at(last))),
            ..samples::report()
        };
        let fleet = Fleet::of(vec![report(0, 10), report(5, 20)]);
        assert_eq!(fleet.span(), Some((at(0), at(20))));
        assert_eq!(fleet.overlap(), Some((at(5), at(10))));
        let apart = Fleet::of(vec![report(0, 10), report(10, 20)]);
        assert_eq!(apart.overlap(), None);
    }
}
