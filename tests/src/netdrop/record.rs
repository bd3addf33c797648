//! The lines of netdrop as the contract (design.md, section 5) has them. A
//! missing field is an error, null only where the contract allows it, and
//! further fields are welcome.

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::firings::Bounds;

/// One line of standard output.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Record {
    Ready(Ready),
    Interval(Interval),
    Summary(Interval),
    Drop(Box<Drop>),
}

impl Record {
    pub(crate) fn parse(line: &str) -> Result<Self> {
        if !line.starts_with("{\"type\":") {
            bail!("`type` does not come first");
        }
        let record = serde_json::from_str(line)?;
        Ok(match record {
            Self::Drop(drop) => Self::Drop(Box::new(Drop {
                fields: serde_json::from_str(line)?,
                ..*drop
            })),
            other => other,
        })
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Ready {
    pub(crate) schema: u32,
    pub(crate) time: String,
    pub(crate) version: String,
    pub(crate) host: String,
    pub(crate) kernel: String,
    pub(crate) filter: Filter,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read only to see that the fields are there")]
pub(crate) struct Filter {
    #[serde(deserialize_with = "nullable")]
    pub(crate) text: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) kernel: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) user: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) overflow: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Hook {
    pub(crate) name: String,
    pub(crate) attached: bool,
    #[serde(deserialize_with = "nullable")]
    pub(crate) why: Option<String>,
}

/// An interval, or the summary of all.
#[derive(Debug, Deserialize)]
pub(crate) struct Interval {
    pub(crate) time: String,
    pub(crate) seconds: f64,
    pub(crate) totals: Totals,
    pub(crate) accounting: Accounting,
    pub(crate) traffic: Traffic,
    pub(crate) rows: Vec<Row>,
    /// Where they were asked for.
    #[serde(default)]
    pub(crate) histograms: Option<Vec<Histogram>>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) reconciliation: Option<Vec<Value>>,
}

/// How often which values were met.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Histogram {
    pub(crate) kind: String,
    pub(crate) unit: String,
    pub(crate) count: u64,
    pub(crate) unknown: u64,
    pub(crate) buckets: Vec<Bucket>,
}

/// Values from one to another, both among them.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) count: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Totals {
    pub(crate) drops: u64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) harmful: u64,
    pub(crate) suspicious: u64,
    pub(crate) benign: u64,
    pub(crate) hidden: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Accounting {
    pub(crate) counted: u64,
    pub(crate) filtered: u64,
    pub(crate) undecided: u64,
    pub(crate) rejected: u64,
    pub(crate) parts: u64,
    #[serde(deserialize_with = "nullable")]
    pub(crate) recursion_missed: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) flow_other: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) no_flow: Option<u64>,
    pub(crate) site_other: u64,
    pub(crate) delivered: u64,
    pub(crate) ring_lost: u64,
    pub(crate) sampled_out: u64,
    pub(crate) unparsed: u64,
    pub(crate) output_lost: u64,
}

impl Accounting {
    /// How often the tracepoint fired, as far as it is told.
    pub(crate) fn fired(&self) -> u64 {
        self.runs() + self.recursion_missed.unwrap_or(0)
    }

    /// How often the drop program ran.
    pub(crate) fn runs(&self) -> u64 {
        self.counted + self.parts + self.filtered + self.undecided
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Traffic {
    #[serde(deserialize_with = "nullable")]
    pub(crate) rx_packets: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) tx_packets: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) napi_polls: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) napi_full: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) time_squeeze: Option<u64>,
}

/// A row: the keys that were asked for, and the counts.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) drops: u64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) rate: f64,
    pub(crate) severity: Severity,
    pub(crate) harmful: u64,
    pub(crate) suspicious: u64,
    pub(crate) benign: u64,
    #[serde(flatten)]
    pub(crate) keys: Map<String, Value>,
}

impl Row {
    /// The row's value of a key; null is `Value::Null`, so is a missing key.
    pub(crate) fn key(&self, name: &str) -> &Value {
        self.keys.get(name).unwrap_or(&Value::Null)
    }

    /// The drops of a severity.
    pub(crate) fn of(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Benign => self.benign,
            Severity::Suspicious => self.suspicious,
            Severity::Harmful => self.harmful,
        }
    }

    /// Whether the row stands for what had no row of its own.
    pub(crate) fn is_other(&self) -> bool {
        !self.key("other").is_null()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Benign,
    Suspicious,
    Harmful,
}

/// One drop of `netdrop trace`.
#[derive(Debug, Deserialize)]
#[expect(
    dead_code,
    reason = "some are read only to see that the fields are there"
)]
pub(crate) struct Drop {
    pub(crate) time: String,
    pub(crate) cpu: u32,
    #[serde(deserialize_with = "nullable")]
    pub(crate) reason: Option<String>,
    pub(crate) stage: String,
    #[serde(deserialize_with = "nullable")]
    pub(crate) direction: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) function: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) offset: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) address: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) device: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) ifindex: Option<u32>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) netns: Option<u32>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) protocol: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) src: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) src_port: Option<u16>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) dst: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) dst_port: Option<u16>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) icmp_type: Option<u8>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) icmp_code: Option<u8>,
    pub(crate) length: u64,
    pub(crate) segments: u64,
    #[serde(deserialize_with = "nullable")]
    pub(crate) ethertype: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) tcp_flags: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) pid: Option<u32>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) command: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) age_ns: Option<u64>,
    pub(crate) severity: Severity,
    #[serde(deserialize_with = "nullable")]
    pub(crate) stack: Option<Value>,
    /// The line as a whole.
    #[serde(skip)]
    pub(crate) fields: Value,
}

/// All that a run said: `ready`, then intervals or drops, then `summary`.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) ready: Ready,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) drops: Vec<Drop>,
    pub(crate) summary: Interval,
    /// How often the kernel ran the drop program; `None` where nobody looked.
    pub(crate) firings: Option<Bounds>,
}

impl Run {
    pub(crate) fn new(records: Vec<Record>, firings: Option<Bounds>) -> Result<Self> {
        let mut records = records.into_iter();
        let Some(Record::Ready(ready)) = records.next() else {
            bail!("the first line is not `ready`");
        };
        let (mut intervals, mut drops, mut summary) = (Vec::new(), Vec::new(), None);
        for record in records {
            if summary.is_some() {
                bail!("a line follows the summary");
            }
            match record {
                Record::Ready(_) => bail!("a second `ready`"),
                Record::Interval(interval) => intervals.push(interval),
                Record::Drop(drop) => drops.push(*drop),
                Record::Summary(last) => summary = Some(last),
            }
        }
        let summary = summary.context("no summary at the end")?;
        Ok(Self {
            ready,
            intervals,
            drops,
            summary,
            firings,
        })
    }
}

/// A field that must be there and may be null.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    input: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_field_is_no_null() {
        let whole = r#"{"name":"net:x","attached":false,"why":null}"#;
        assert_eq!(serde_json::from_str::<Hook>(whole).unwrap().why, None);
        assert!(serde_json::from_str::<Hook>(r#"{"name":"net:x","attached":true}"#).is_err());
    }

    #[test]
    fn a_row_keeps_the_keys_it_was_asked_for() {
        let row: Row = serde_json::from_str(
            r#"{"reason":"NO_SOCKET","netns":7,"drops":3,"packets":3,"bytes":87,"rate":3.0,
                "severity":"suspicious","harmful":0,"suspicious":3,"benign":0}"#,
        )
        .unwrap();
        assert_eq!(row.key("netns"), 7);
        assert!(row.key("device").is_null());
    }
}
