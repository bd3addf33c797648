//! What is known of the clocks of several hosts, in words.

use jiff::SignedDuration;

use super::amount::duration_text;
use crate::recording::{fleet::Fleet, header::ClockFact};

/// How the times of the hosts relate, a sentence each. Names are not escaped.
#[must_use]
pub fn sentences(fleet: &Fleet) -> Vec<String> {
    let mut said = vec!["Every time is of its host's own wall clock (CLOCK_REALTIME).".to_owned()];
    for host in &fleet.hosts {
        let report = &host.report;
        if !report.offset.is_zero() {
            said.push(format!(
                "{}: {} was added by hand (--offset).",
                host.name,
                signed(report.offset)
            ));
        }
        let clock = match &report.header.clock_state {
            Some(clock) => kept(clock),
            None => "whether its clock was kept by NTP is not in this recording".to_owned(),
        };
        said.push(format!("{}: {clock}.", host.name));
    }
    if fleet.only().is_some() {
        return said;
    }
    said.push(match fleet.overlap() {
        Some((first, last)) => format!(
            "All hosts were recorded from {first:.0} to {last:.0} ({}).",
            duration_text(last.duration_since(first).as_secs_f64())
        ),
        None => "There is no time at which all hosts were recorded.".to_owned(),
    });
    said.push(match bound(fleet) {
        Some(seconds) => format!(
            "By what their kernels said, the clocks were at most {} apart.",
            duration_text(seconds)
        ),
        None => "How far the clocks were apart is not known, and nothing in the recordings tells: \
                 compare NTP on the hosts (chronyc tracking), and correct with --offset HOST=+1.5s."
            .to_owned(),
    });
    said
}

fn kept(clock: &ClockFact) -> String {
    let error = duration_text(clock.max_error);
    if clock.synchronized {
        format!("its clock was kept (NTP or PTP), at most {error} off by its kernel's own estimate")
    } else {
        "its kernel said that nothing kept its clock".to_owned()
    }
}

/// How far the clocks are apart at most, if something kept all of them.
fn bound(fleet: &Fleet) -> Option<f64> {
    let errors = fleet.hosts.iter().map(|host| {
        let clock = host.report.header.clock_state.as_ref()?;
        (clock.synchronized && host.report.offset.is_zero()).then_some(clock.max_error)
    });
    let mut errors: Vec<f64> = errors.collect::<Option<_>>()?;
    errors.sort_by(|a, b| b.total_cmp(a));
    // Those that are off most, in opposite directions.
    Some(errors.iter().take(2).sum())
}

/// `+1.5 s`
#[must_use]
pub fn signed(offset: SignedDuration) -> String {
    let sign = if offset.is_negative() { '−' } else { '+' };
    format!("{sign}{}", duration_text(offset.abs().as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{output::samples, recording::report::Report};

    fn fleet(clocks: [Option<(bool, f64)>; 2]) -> Fleet {
        let reports = clocks.map(|clock| {
            let mut report: Report = samples::report();
            report.header.clock_state = clock.map(|(synchronized, max_error)| ClockFact {
                synchronized,
                max_error,
            });
            report
        });
        Fleet::of(reports.into())
    }

    #[test]
    fn nothing_is_said_of_clocks_that_nothing_is_known_of() {
        let bounded = sentences(&fleet([Some((true, 0.010)), Some((true, 0.005))])).join("\n");
        assert!(bounded.contains("at most 15 ms apart"), "{bounded}");
        for other in [None, Some((false, 16.0))] {
            let unknown = sentences(&fleet([Some((true, 0.010)), other])).join("\n");
            assert!(unknown.contains("is not known"), "{unknown}");
            assert!(unknown.contains("--offset HOST="), "{unknown}");
        }
        let mut by_hand = fleet([Some((true, 0.010)), Some((true, 0.005))]);
        by_hand.hosts[0].report.offset = SignedDuration::from_millis(-1500);
        let by_hand = sentences(&by_hand).join("\n");
        assert!(by_hand.contains("−1.5 s was added by hand"), "{by_hand}");
        assert!(by_hand.contains("is not known"), "{by_hand}");
    }
}
