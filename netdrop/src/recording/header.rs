//! What a recording says of itself and of its host: JSON in the metadata of the
//! schema, under the key `netdrop`.

use std::collections::BTreeMap;

use arrow_schema::Schema;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{anonymize::Anonymizer, read::OpenError};

/// The format that this version writes, and the newest that it reads. It rises
/// only when an older reader would understand a file wrongly: columns, kinds of
/// rows, counts and facts may be added without.
pub const FORMAT: u32 = 1;

/// Under which the header stands in the metadata of the schema.
pub const KEY: &str = "netdrop";

/// What is known at the start. Everything but the format may be missing, and is
/// then unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Version of the format.
    pub format: u32,
    /// Version of netdrop.
    pub version: String,
    /// When every hook was attached, RFC 3339.
    pub start: Option<Timestamp>,
    /// When the recording began of which this file is a later piece or a dump.
    pub since: Option<Timestamp>,
    /// What made the flight recorder write.
    pub trigger: Option<TriggerFact>,
    /// The clock of all times.
    pub clock: String,
    /// When the clock's state, the CPUs, the devices, the namespaces and the
    /// tunables were read; `None`: at the start.
    pub facts_at: Option<Timestamp>,
    /// How well that clock was kept then; `None` when unknown.
    pub clock_state: Option<ClockFact>,
    /// Name of the host.
    pub host: String,
    /// Release of the kernel.
    pub kernel: String,
    /// The machine's architecture.
    pub machine: String,
    /// CPUs online.
    pub cpus: Option<u32>,
    /// Length of an interval as asked for, in seconds.
    pub interval: Option<f64>,
    /// Flows kept of an interval at most; `None`: flows are not recorded.
    pub top: Option<u32>,
    /// Events kept of each CPU a second at most, besides the first of each place
    /// in an interval; `None`: unknown, 0: none.
    pub max_events: Option<u32>,
    /// Do events hold the packet's first bytes as they were, not its headers
    /// alone?
    pub payload: bool,
    /// Do events hold stacks?
    pub stacks: bool,
    /// Do other addresses and names stand for those of the host?
    pub anonymized: bool,
    /// Hides what is written below this header, and the header itself. Not in the
    /// file, of course.
    #[serde(skip)]
    pub anonymizer: Option<Anonymizer>,
    /// The filter as it was given; what it did not want is not in the file.
    pub filter: Option<String>,
    /// The hooks, attached or not.
    pub hooks: Vec<HookFact>,
    /// What the user was told at the start.
    pub warnings: Vec<String>,
    /// Devices of the network namespace in which it was recorded.
    pub devices: Vec<DeviceFact>,
    /// Named network namespaces.
    pub namespaces: Vec<NamespaceFact>,
    /// Tunables of the stack there: the names of `sysctl` and their values.
    pub sysctls: BTreeMap<String, String>,
}

impl Header {
    /// The header in the metadata of a schema.
    ///
    /// # Errors
    ///
    /// When it is none of a recording, or of one that only a later version reads.
    pub(super) fn of(schema: &Schema) -> Result<Self, OpenError> {
        let header = schema
            .metadata()
            .get(KEY)
            .ok_or_else(|| OpenError::NotOne("it does not say that it is one".to_owned()))?;
        let bad = |error: serde_json::Error| OpenError::NotOne(format!("its header: {error}"));
        let raw: serde_json::Value = serde_json::from_str(header).map_err(bad)?;
        // Before anything else: a newer header may look different.
        let format = raw.get("format").and_then(serde_json::Value::as_u64);
        if let Some(format) = format.filter(|format| *format > u64::from(FORMAT)) {
            let version = raw.get("version").and_then(serde_json::Value::as_str);
            return Err(OpenError::Newer {
                version: version.unwrap_or("?").to_owned(),
                format: u32::try_from(format).unwrap_or(u32::MAX),
            });
        }
        let header: Self = serde_json::from_value(raw).map_err(bad)?;
        if header.format == 0 {
            return Err(OpenError::NotOne("it does not say its format".to_owned()));
        }
        Ok(header)
    }

    /// As it stands in a file.
    ///
    /// # Errors
    ///
    /// When it cannot be encoded, which would be a fault of ours.
    pub(super) fn encoded(&self) -> Result<String, serde_json::Error> {
        let mut header = self.clone();
        if let Some(anonymizer) = &self.anonymizer {
            anonymizer.header(&mut header);
        }
        serde_json::to_string(&header)
    }
}

/// A trigger that fired.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TriggerFact {
    /// The condition, as it was given.
    pub condition: String,
    /// When it held.
    pub fired: Option<Timestamp>,
}

/// What the kernel knew of its wall clock (`adjtimex(2)`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClockFact {
    /// Did something keep it (NTP, PTP)?
    pub synchronized: bool,
    /// How far it may have been off at most, in seconds, by the kernel's own
    /// estimate.
    pub max_error: f64,
}

/// A hook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookFact {
    /// As tracefs spells it.
    pub name: String,
    /// Was it attached?
    pub attached: bool,
    /// Why not.
    pub why: Option<String>,
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceFact {
    /// Its name.
    pub name: String,
    /// Its index.
    pub ifindex: u32,
    /// Its driver, where it has one.
    pub driver: Option<String>,
    /// Its MTU.
    pub mtu: Option<u32>,
}

/// A named network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamespaceFact {
    /// Its inode number.
    pub inode: u32,
    /// Its name.
    pub name: String,
    /// How the name was found.
    pub kind: String,
}
