//! What some drops mean and what to run next, in their own words.

use super::{
    catalogue,
    next::{Command, Values},
    severity::Severity,
    stage::Stage,
};

/// The reason that says there is none.
const NOT_SPECIFIED: &str = "NOT_SPECIFIED";
/// Stands for kernels without reasons in the catalogue.
const REASONLESS: &str = "-";

/// Advice about drops of one reason in one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The reason; `None` where the kernel gives none.
    pub reason: Option<String>,
    /// The stage.
    pub stage: String,
    /// How much they matter.
    pub severity: Severity,
    /// What they mean.
    pub meaning: &'static str,
    /// What they mean in the function that dropped.
    pub note: Option<&'static str>,
    /// What to know before running the commands.
    pub caution: Option<String>,
    /// What to run next.
    pub commands: Vec<String>,
}

impl Advice {
    /// Advice about drops with this reason and stage. `values` are those that
    /// all of them share.
    #[must_use]
    pub fn of(reason: Option<&str>, stage: &str, severity: Severity, values: &Values) -> Self {
        let place = Stage::find(stage).unwrap_or(Stage::unknown());
        let known = reason
            .filter(|&reason| reason != NOT_SPECIFIED)
            .and_then(catalogue::reason);
        let note = values
            .function
            .as_deref()
            .and_then(|function| catalogue::at(reason.unwrap_or(REASONLESS), function))
            .map(|both| both.note);
        let info = place.info();
        let (meaning, next) = match known {
            // Elsewhere than usual, the stage knows better what to look at.
            Some(known) if known.stage == place || info.next.is_empty() => {
                (known.meaning, known.next)
            }
            Some(known) => (known.meaning, info.next),
            None => (info.meaning, info.next),
        };
        let mut commands: Vec<Command> = next.iter().map(|next| values.fill(next)).collect();
        // One that cannot be run as it stands is better than none.
        if commands.iter().any(|command| command.complete) {
            commands.retain(|command| command.complete);
        }
        Self {
            reason: reason.map(str::to_owned),
            stage: stage.to_owned(),
            severity,
            meaning,
            note,
            caution: values.place.note(),
            commands: commands.into_iter().map(|command| command.text).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Advice, Severity, Values};
    use crate::drops::catalogue;

    fn advice(reason: Option<&str>, stage: &str, function: &str, port: Option<u16>) -> Advice {
        let values = Values {
            dst_port: port,
            function: Some(function.to_owned()),
            ..Values::default()
        };
        Advice::of(reason, stage, Severity::Suspicious, &values)
    }

    #[test]
    fn commands_with_a_gap_that_cannot_be_filled_are_left_out() {
        let next = catalogue::reason("NO_SOCKET").unwrap().next;
        assert!(next.iter().any(|command| command.contains("{dst_port}")));
        assert!(next.iter().any(|command| command.contains("{dst}")));
        let with = advice(Some("NO_SOCKET"), "rx_lookup", "__udp4_lib_rcv", Some(53));
        assert!(with.commands.iter().any(|command| command.contains(":53")));
        assert!(!with.commands.iter().any(|command| command.contains("DST")));
        let without = advice(Some("NO_SOCKET"), "rx_lookup", "__udp4_lib_rcv", None);
        assert!(without.commands.len() < with.commands.len());
        assert!(!without.commands.is_empty());
    }

    #[test]
    fn without_a_reason_the_stage_tells_the_meaning() {
        let stage = crate::drops::stage::Stage::RX_LOOKUP.info();
        for reason in [None, Some("NOT_SPECIFIED"), Some("BRAND_NEW")] {
            let advice = advice(reason, "rx_lookup", "__udp4_lib_rcv", None);
            assert_eq!(advice.meaning, stage.meaning);
            assert!(!advice.commands.is_empty());
        }
    }

    #[test]
    fn what_is_known_of_the_reason_in_this_function_is_added() {
        let cookie = advice(Some("NO_SOCKET"), "rx_acceptq", "cookie_v4_check", None);
        assert!(cookie.note.unwrap().contains("accept queue"));
        assert_eq!(
            advice(Some("NO_SOCKET"), "rx_lookup", "tcp_v4_rcv", None).note,
            None
        );
    }
}
