//! The columns of a recording: one flat table, so that every tool that reads
//! Arrow reads it without us. `docs/recording.md` tells what they mean.

mod kind;

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, Field, Schema};

use self::kind::{F64, Flag, Kind, Nanos, Text, Time, U16, U32, U64};
use super::anonymize::Anonymizer;

/// A column of a file has another type than ours of the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its column {column:?} is of type {found}, not {wanted}")]
pub(super) struct WrongType {
    column: &'static str,
    found: String,
    wanted: String,
}

/// The type of a cell. Spelled out, so that rows are plain to the compiler.
macro_rules! value {
    (Text, $life:lifetime) => { &$life str };
    (Time, $life:lifetime) => { i64 };
    (Nanos, $life:lifetime) => { i64 };
    (U16, $life:lifetime) => { u16 };
    (U32, $life:lifetime) => { u32 };
    (U64, $life:lifetime) => { u64 };
    (F64, $life:lifetime) => { f64 };
    (Flag, $life:lifetime) => { bool };
}

macro_rules! columns {
    ($($(#[$doc:meta])+ $name:ident: $kind:ident,)*) => {
        /// A row of a recording. Most columns are null in most rows.
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub(super) struct Line<'a> {
            $($(#[$doc])+ pub(super) $name: Option<value!($kind, 'a)>,)*
        }

        /// Rows on their way into a file.
        #[derive(Default)]
        pub(super) struct Columns {
            rows: usize,
            /// Hides what is added.
            anonymizer: Option<Anonymizer>,
            $($name: <$kind as Kind>::Builder,)*
        }

        /// The columns of a batch from a file. Those that an older file lacks
        /// are null, those that only newer files have are left out.
        #[derive(Debug)]
        pub(super) struct View {
            rows: usize,
            $($name: Option<<$kind as Kind>::Array>,)*
        }

        /// Every column.
        pub(super) fn fields() -> Vec<Field> {
            vec![$(Field::new(stringify!($name), $kind::data_type(), true),)*]
        }

        impl Columns {
            /// Adds a row as it is.
            fn append_line(&mut self, line: &Line<'_>) {
                self.rows += 1;
                $($kind::append(&mut self.$name, line.$name);)*
            }

            /// Adds rows that are as they are to be.
            pub(super) fn append(&mut self, mut others: Self) {
                self.rows += others.rows;
                $({
                    let array = $kind::finish(&mut others.$name);
                    for row in 0..others.rows {
                        $kind::append(&mut self.$name, $kind::cell(&array, row));
                    }
                })*
            }

            /// Takes all rows.
            fn arrays(&mut self) -> Vec<ArrayRef> {
                self.rows = 0;
                vec![$(Arc::new($kind::finish(&mut self.$name)),)*]
            }
        }

        impl View {
            /// The columns that this version knows.
            pub(super) fn of(batch: &RecordBatch) -> Result<Self, WrongType> {
                Ok(Self {
                    rows: batch.num_rows(),
                    $($name: column::<$kind>(batch, stringify!($name))?,)*
                })
            }

            /// A row.
            pub(super) fn line(&self, row: usize) -> Line<'_> {
                Line {
                    $($name: cell::<$kind>(self.$name.as_ref(), row),)*
                }
            }
        }
    };
}

columns! {
    /// What the row is: `site`, `flow`, `count`, `poll`, `connection`, `counter`,
    /// `event`, `histogram`, `interval` or `end`.
    kind: Text,
    /// The wall clock at the end of the interval.
    time: Time,
    /// Number of the interval, from 0 on.
    interval: U32,
    /// Measured length of the interval.
    seconds: F64,
    /// Whose count or counter.
    scope: Text,
    /// Which count or counter.
    name: Text,
    /// Its value; null where it is unknown.
    value: U64,
    /// Stage.
    stage: Text,
    /// Netfilter hook.
    hook: Text,
    /// Netfilter engine.
    engine: Text,
    /// Kind of the qdisc.
    qdisc: Text,
    /// What told the stage.
    stage_by: Text,
    /// Reason.
    reason: Text,
    /// Function.
    function: Text,
    /// Distance into the function.
    offset: U64,
    /// Where, when the function is unknown, in hexadecimal.
    address: Text,
    /// `rx`, `tx` or `forward`.
    direction: Text,
    /// Severity.
    severity: Text,
    /// Protocol.
    protocol: Text,
    /// Ethertype as a number.
    ethertype: U16,
    /// IP protocol number, or the address family of the socket.
    ip_protocol: U16,
    /// What the packet looked like: bits.
    state: U16,
    /// What its route and devices looked like: bits.
    facts: U16,
    /// Device.
    device: Text,
    /// Its index.
    ifindex: U32,
    /// Inode number of the network namespace.
    netns: U32,
    /// Name of the network namespace.
    netns_name: Text,
    /// How that name was found.
    netns_kind: Text,
    /// CPU.
    cpu: U32,
    /// NAPI number.
    napi_id: U32,
    /// Source address.
    src: Text,
    /// Source port.
    src_port: U16,
    /// Destination address.
    dst: Text,
    /// Destination port.
    dst_port: U16,
    /// ICMP type.
    icmp_type: U16,
    /// ICMP code.
    icmp_code: U16,
    /// Does the source live in the namespace?
    src_here: Flag,
    /// Does the destination?
    dst_here: Flag,
    /// Dropped skbs.
    drops: U64,
    /// Wire packets.
    packets: U64,
    /// Bytes.
    bytes: U64,
    /// When a packet died.
    at: Nanos,
    /// Its bytes.
    length: U32,
    /// Packets on the wire.
    segments: U16,
    /// Bytes of its frame, as a capture would have seen it.
    frame_length: U32,
    /// VLAN tags in the frame that lie before the network header.
    frame_tags: U16,
    /// Ethertype of the VLAN tag that is not in the frame but beside it.
    vlan_type: U16,
    /// Its control word.
    vlan_control: U16,
    /// TCP flags, as `SYN|ACK`.
    tcp_flags: Text,
    /// The sender's process.
    pid: U32,
    /// Its command.
    command: Text,
    /// Its control group.
    cgroup: Text,
    /// The process that holds the receiving socket.
    receiver_pid: U32,
    /// Its command.
    receiver_command: Text,
    /// The packet's first bytes, in hexadecimal.
    headers: Text,
    /// `link` or `network`: the layer they begin with.
    headers_from: Text,
    /// Kernel stack, innermost frame first, separated by semicolons.
    stack: Text,
}

impl Columns {
    /// No rows; those that are added are hidden by the anonymizer.
    pub(super) fn new(anonymizer: Option<Anonymizer>) -> Self {
        Self {
            anonymizer,
            ..Self::default()
        }
    }

    /// The rows so far, and room for others.
    pub(super) fn take(&mut self) -> Self {
        let others = Self::new(self.anonymizer.clone());
        std::mem::replace(self, others)
    }

    /// Adds a row.
    pub(super) fn push(&mut self, line: &Line<'_>) {
        let hidden = self
            .anonymizer
            .as_ref()
            .map(|anonymizer| anonymizer.hide(line));
        match &hidden {
            Some(hidden) => self.append_line(&hidden.line(line)),
            None => self.append_line(line),
        }
    }

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Takes all rows as a batch.
    ///
    /// # Errors
    ///
    /// When the columns do not fit together, which would be a fault of ours.
    pub(super) fn batch(
        &mut self,
        schema: arrow_schema::SchemaRef,
    ) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(schema, self.arrays())
    }
}

/// Columns that only rows of events have.
const OF_EVENTS: [&str; 16] = [
    "at",
    "length",
    "segments",
    "frame_length",
    "frame_tags",
    "vlan_type",
    "vlan_control",
    "tcp_flags",
    "pid",
    "command",
    "cgroup",
    "receiver_pid",
    "receiver_command",
    "headers",
    "headers_from",
    "stack",
];

/// The columns of a file that this version understands; those that only events have
/// where these are wanted.
pub(super) fn wanted(schema: &Schema, events: bool) -> Vec<bool> {
    let known = fields();
    let columns = schema.fields().iter();
    columns
        .map(|column| {
            known.iter().any(|field| field.name() == column.name())
                && (events || !OF_EVENTS.contains(&&**column.name()))
        })
        .collect()
}

impl View {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// All rows.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        (0..self.rows).map(|row| self.line(row))
    }

    /// What a row is for.
    pub(super) fn kind(&self, row: usize) -> Option<&str> {
        cell::<Text>(self.kind.as_ref(), row)
    }

    /// Is a row that of an event?
    pub(super) fn is_event(&self, row: usize) -> bool {
        self.kind(row) == Some("event")
    }
}

fn column<K: Kind>(batch: &RecordBatch, name: &'static str) -> Result<Option<K::Array>, WrongType> {
    let Some(array) = batch.column_by_name(name) else {
        return Ok(None);
    };
    if *array.data_type() != K::data_type() {
        return Err(WrongType {
            column: name,
            found: array.data_type().to_string(),
            wanted: K::data_type().to_string(),
        });
    }
    Ok(array.as_any().downcast_ref::<K::Array>().cloned())
}

fn cell<K: Kind>(array: Option<&K::Array>, row: usize) -> Option<K::Value<'_>> {
    K::cell(array?, row)
}

#[cfg(test)]
mod tests {
    use super::{OF_EVENTS, fields};

    #[test]
    fn columns_of_events_are_columns() {
        for name in OF_EVENTS {
            assert!(fields().iter().any(|field| field.name() == name), "{name}");
        }
    }

    #[test]
    fn every_column_is_documented() {
        let document = include_str!("../../../docs/recording.md");
        for field in fields() {
            assert!(
                document.contains(&format!("`{}`", field.name())),
                "{} is not in docs/recording.md",
                field.name()
            );
        }
    }
}
