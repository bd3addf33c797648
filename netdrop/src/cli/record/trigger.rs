//! `--trigger`: on what the flight recorder writes.

use std::{ops::Range, time::Duration};

use crate::{
    cli::duration,
    drops::{severity::Severity, stage::Stage},
    filter::FilterError,
    recording::write::rows::Seen,
};

/// What drops a condition is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Severity(Severity),
    Drops,
    Packets,
    Stage(&'static str),
    Reason(String),
}

/// A rate that is too high.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    what: What,
    /// A second.
    above: f64,
    /// It must hold for so long.
    lasting: Duration,
    text: String,
}

/// An interval, as conditions see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample<'a> {
    /// Its length.
    pub(super) seconds: f64,
    /// All its drops.
    pub(super) drops: u64,
    /// Their packets on the wire.
    pub(super) packets: u64,
    /// The drops of which the place is known.
    pub(super) seen: &'a [Seen<'a>],
}

const WORDS: [&str; 7] = [
    "harmful",
    "suspicious",
    "benign",
    "drops",
    "packets",
    "stage",
    "reason",
];

impl Condition {
    /// Reads `WHAT > N/s [for TIME]`. `reasons`: those that there are, where that
    /// is known.
    pub(super) fn parse(text: &str, reasons: Option<&[String]>) -> Result<Self, FilterError> {
        let error = |span: Range<usize>, message: &str| {
            FilterError::new(text, span, message).about("trigger")
        };
        let mut words = words(text);
        let end = text.len()..text.len();
        let mut next = |missing: &str| words.next().ok_or_else(|| error(end.clone(), missing));
        let (span, word) = next(
            "on what? For example `harmful > 1000/s`, `stage rx_backlog > 5/s` or \
             `reason NO_SOCKET > 100/s for 3s`",
        )?;
        let what = match word {
            "harmful" => What::Severity(Severity::Harmful),
            "suspicious" => What::Severity(Severity::Suspicious),
            "benign" => What::Severity(Severity::Benign),
            "drops" => What::Drops,
            "packets" => What::Packets,
            "stage" => {
                let (span, name) = next("which stage? `netdrop explain` lists them")?;
                let found = Stage::find(name).ok_or_else(|| {
                    error(span, &format!("there is no stage {name}"))
                        .hint("`netdrop explain` lists the stages")
                        .nearest(name, Stage::all().map(Stage::id))
                })?;
                What::Stage(found.id())
            }
            "reason" => {
                let (span, name) = next("which reason? `netdrop explain` tells of each")?;
                let same = |known: &&String| known.eq_ignore_ascii_case(name);
                match reasons.map(|reasons| reasons.iter().find(same)) {
                    Some(None) => {
                        let known = reasons.unwrap_or_default().iter();
                        return Err(error(span, &format!("this kernel has no reason {name}"))
                            .nearest(name, known.map(String::as_str)));
                    }
                    Some(Some(known)) => What::Reason(known.clone()),
                    None => What::Reason(name.to_owned()),
                }
            }
            _ => {
                return Err(error(span, &format!("`{word}` is nothing that is counted"))
                    .hint(format!("it may be {}", WORDS.join(", ")))
                    .nearest(word, WORDS));
            }
        };
        let (span, sign) = next("`>` and a rate are missing, for example `> 1000/s`")?;
        if sign != ">" {
            return Err(error(span, "only `>` is understood here"));
        }
        let (span, rate) = next("a rate is missing, for example `1000/s`")?;
        let above = rate
            .strip_suffix("/s")
            .and_then(number)
            .ok_or_else(|| error(span, "not a rate; write for example 1000/s, 2.5/s or 10k/s"))?;
        let mut lasting = Duration::ZERO;
        if let Some((span, word)) = words.next() {
            if word != "for" {
                return Err(error(
                    span,
                    "only `for TIME` may follow, for example `for 3s`",
                ));
            }
            let (span, time) = words
                .next()
                .ok_or_else(|| error(end, "for how long? For example `for 3s`"))?;
            lasting = duration::parse(time).map_err(|why| error(span, &why))?;
        }
        if let Some((span, _)) = words.next() {
            let rest = span.start..text.trim_end().len();
            return Err(error(rest, "nothing may follow")
                .hint("give --trigger several times: each of them fires"));
        }
        Ok(Self {
            what,
            above,
            lasting,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }

    /// As it was given.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How long it must hold.
    pub(super) fn lasting(&self) -> Duration {
        self.lasting
    }

    /// The rate, where it is too high.
    pub(super) fn exceeded(&self, sample: &Sample<'_>) -> Option<f64> {
        let sum = |wanted: &dyn Fn(&Seen<'_>) -> bool| -> u64 {
            let seen = sample.seen.iter().filter(|seen| wanted(seen));
            seen.map(|seen| seen.weights.drops).sum()
        };
        let count = match &self.what {
            What::Severity(severity) => {
                let known = sum(&|seen| seen.severity == *severity);
                // What has no place is suspicious, as everywhere.
                let placeless = sample.drops.saturating_sub(sum(&|_| true));
                known
                    + if *severity == Severity::Suspicious {
                        placeless
                    } else {
                        0
                    }
            }
            What::Drops => sample.drops,
            What::Packets => sample.packets,
            What::Stage(stage) => sum(&|seen| seen.stage == Some(stage)),
            What::Reason(reason) => sum(&|seen| seen.reason == Some(reason)),
        };
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = count as f64 / sample.seconds;
        (rate > self.above).then_some(rate)
    }
}

/// The words with their places; `>` is one however it is written.
fn words(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let start = at + (rest.len() - rest.trim_start().len());
        let rest = &text[start..];
        let end = match rest.find(|c: char| c.is_whitespace() || c == '>') {
            Some(0) => 1,
            Some(end) => end,
            None => rest.len(),
        };
        at = start + end;
        (end > 0).then(|| (start..at, &text[start..at]))
    })
}

fn number(text: &str) -> Option<f64> {
    let (digits, scale) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1e3),
        b'm' | b'M' => (&text[..text.len() - 1], 1e6),
        _ => (text, 1.0),
    };
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = digits.parse().ok().filter(|_| plain)?;
    Some(number * scale)
}

#[cfg(test)]
mod tests {
    use netdrop_ebpf::area::Weights;

    use super::*;

    fn parse(text: &str) -> Result<Condition, String> {
        let reasons = ["NO_SOCKET".to_owned(), "TCP_CSUM".to_owned()];
        Condition::parse(text, Some(&reasons)).map_err(|error| error.to_string())
    }

    fn seen(
        stage: &'static str,
        reason: &'static str,
        severity: Severity,
        drops: u64,
    ) -> Seen<'static> {
        Seen {
            stage: Some(stage),
            reason: Some(reason),
            severity,
            weights: Weights {
                drops,
                packets: drops,
                bytes: 0,
            },
        }
    }

    #[test]
    fn conditions_compare_rates() {
        let seen = [
            seen("rx_lookup", "NO_SOCKET", Severity::Suspicious, 30),
            seen("rx_backlog", "CPU_BACKLOG", Severity::Harmful, 11),
        ];
        let sample = Sample {
            seconds: 2.0,
            drops: 45,
            packets: 90,
            seen: &seen,
        };
        let rate = |text: &str| parse(text).unwrap().exceeded(&sample);
        assert_eq!(rate("harmful > 5/s"), Some(5.5));
        assert_eq!(rate("harmful>5.5/s"), None);
        // Four of them have no place.
        assert_eq!(rate("suspicious > 0/s"), Some(17.0));
        assert_eq!(rate("drops > 22/s"), Some(22.5));
        assert_eq!(rate("packets >0.04k/s"), Some(45.0));
        assert_eq!(rate("stage rx_lookup > 1/s"), Some(15.0));
        assert_eq!(rate("reason no_socket > 1/s for 3s"), Some(15.0));
        assert_eq!(rate("reason TCP_CSUM > 0/s"), None);
        let lasting = parse("drops > 1/s  for 1.5s").unwrap();
        assert_eq!(lasting.lasting(), Duration::from_millis(1500));
        assert_eq!(lasting.text(), "drops > 1/s for 1.5s");
    }

    #[test]
    fn mistakes_are_pointed_at() {
        assert_eq!(
            parse("harmfull > 5/s").unwrap_err(),
            "trigger: `harmfull` is nothing that is counted\n  harmfull > 5/s\n  ^^^^^^^^\n\
             did you mean `harmful`?"
        );
        assert_eq!(
            parse("stage rx_lokup > 5/s").unwrap_err(),
            "trigger: there is no stage rx_lokup\n  stage rx_lokup > 5/s\n        ^^^^^^^^\n\
             did you mean `rx_lookup`?"
        );
        for (text, said) in [
            ("", "on what?"),
            ("harmful", "`>` and a rate are missing"),
            ("harmful >= 5/s", "not a rate"),
            ("harmful < 5/s", "only `>`"),
            ("harmful > 5", "not a rate"),
            ("harmful > -5/s", "not a rate"),
            ("harmful > inf/s", "not a rate"),
            ("harmful > 5/s for", "for how long?"),
            ("harmful > 5/s for 3", "needs a unit"),
            ("harmful > 5/s or drops > 3/s", "only `for TIME`"),
            ("harmful > 5/s for 3s or", "nothing may follow"),
            ("reason NO_SOKET > 5/s", "did you mean `NO_SOCKET`?"),
            ("stage", "which stage?"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
