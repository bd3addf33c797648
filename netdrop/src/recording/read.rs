//! Reads a recording back: interval by interval, as far as it goes.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use arrow_schema::SchemaRef;
use jiff::Timestamp;
use netdrop_ebpf::{
    area::{Counter, Weights},
    flow::{FlowAddrs, FlowKey},
    hurt::{Connection, Followed as Counts, MAPPED},
    site::{SiteKey, state},
    squeeze::NapiKey,
};

use super::{
    columns::{Line, View},
    connection::{ENDS, WHAT},
    count,
    frame::{Frames, Stop},
    header::{FORMAT, Header, KEY},
    names::{Recorded, TooMany},
    write::HostCounter,
};
use crate::{
    filter::plan::Plan,
    kernel::{
        capture::HookStatus,
        hooks::HOOKS,
        snapshot::{Aftermath, Followed, Snapshot},
    },
    tally::accounting::Attached,
};

/// Rows of an interval at most.
const MOST_ROWS: usize = 4 << 20;
/// More than a host can count: sums stay below it.
const MOST_COUNTED: u64 = 1 << 62;

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is no Arrow stream, or one of something else.
    #[error("is no recording of netdrop: {0}")]
    NotOne(String),
    /// It breaks off before its columns are described.
    #[error("is cut off before anything was recorded")]
    Empty,
    /// A later netdrop wrote it.
    #[error(
        "was written by netdrop {version} in format {format}, and this one reads formats up to \
         {FORMAT}: use netdrop {version} or a later one"
    )]
    Newer {
        /// Which version of netdrop wrote it.
        version: String,
        /// In which format.
        format: u32,
    },
}

/// How a recording ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was closed: by a signal, after its duration, or when it was full.
    Closed(String),
    /// It was cut off behind so many whole bytes.
    Cut(u64),
    /// What comes behind so many bytes is damaged.
    Damaged(u64, String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(why) => write!(f, "closed ({why})"),
            Self::Cut(bytes) => write!(f, "cut off at byte {bytes}: later intervals are missing"),
            Self::Damaged(bytes, why) => write!(
                f,
                "damaged at byte {bytes}: later intervals are missing; {why}"
            ),
        }
    }
}

/// An interval, as it was when it was recorded.
#[derive(Debug)]
pub struct Interval {
    /// The wall clock at its end.
    pub time: Timestamp,
    /// What was counted.
    pub snapshot: Snapshot,
    /// Delta of `time_squeeze` by CPU; `None` when unknown.
    pub time_squeeze: Option<Vec<(u32, u64)>>,
    /// Counters of the host that changed.
    pub counters: Vec<HostCounter>,
}

/// A recording that is being read.
#[derive(Debug)]
pub struct Recording<R> {
    frames: Frames<R>,
    schema: SchemaRef,
    header: Header,
    /// The names read so far.
    pub names: Recorded,
    /// What is wanted of it.
    pub filter: Option<Plan>,
    /// Counters of the host at the start.
    pub counters: Vec<HostCounter>,
    pending: VecDeque<Interval>,
    partial: Partial,
    /// Everything counted, so that no sum of it can overflow.
    sum: u64,
    end: Option<End>,
}

/// An interval that is not whole yet.
#[derive(Debug, Default)]
struct Partial {
    rows: usize,
    snapshot: Snapshot,
    flows: Vec<(FlowKey, Weights)>,
    counts_flows: bool,
    aftermath: Option<Aftermath>,
    time_squeeze: Option<Vec<(u32, u64)>>,
    counters: Vec<HostCounter>,
    /// Of the connection whose rows come one behind another.
    counting: Option<(Connection, Counts)>,
}

impl<R: Read> Recording<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When the file is no recording, or one that only a later version reads.
    pub fn open(reader: R) -> Result<Self, OpenError> {
        let mut frames = Frames::new(reader);
        let schema = frames.schema().map_err(|stop| match stop {
            Stop::Io(error) => OpenError::Io(error),
            Stop::Cut => OpenError::Empty,
            Stop::Closed => OpenError::NotOne("it is empty".to_owned()),
            Stop::Damaged(why) => OpenError::NotOne(why),
        })?;
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
        let header: Header = serde_json::from_value(raw).map_err(bad)?;
        if header.format == 0 {
            return Err(OpenError::NotOne("it does not say its format".to_owned()));
        }
        let mut recording = Self {
            frames,
            schema,
            header,
            names: Recorded::default(),
            filter: None,
            counters: Vec::new(),
            pending: VecDeque::new(),
            partial: Partial::default(),
            sum: 0,
            end: None,
        };
        // The first batch holds what the host counted before.
        recording.batch();
        if recording.pending.is_empty() {
            recording.counters = std::mem::take(&mut recording.partial.counters);
        }
        Ok(recording)
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Which hooks were attached.
    #[must_use]
    pub fn attached(&self) -> Attached {
        Attached::of(&self.hooks())
    }

    /// The hooks that this version knows, as they were.
    #[must_use]
    pub fn hooks(&self) -> Vec<HookStatus> {
        HOOKS
            .iter()
            .filter_map(|known| {
                let found = self.header.hooks.iter().find(|it| it.name == known.name)?;
                Some(HookStatus {
                    name: known.name,
                    attached: found.attached,
                    why: found.why.clone(),
                })
            })
            .collect()
    }

    /// The next interval that is whole.
    pub fn next_interval(&mut self) -> Option<Interval> {
        loop {
            if let Some(interval) = self.pending.pop_front() {
                return Some(interval);
            }
            if self.end.is_some() {
                return None;
            }
            self.batch();
        }
    }

    /// How it ends; known once there is no further interval.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Bytes read so far, in whole batches.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.frames.whole()
    }

    /// Reads a batch.
    fn batch(&mut self) {
        let before = self.frames.whole();
        let batch = match self.frames.batch(&self.schema) {
            Ok(batch) => batch,
            Err(stop) => {
                let whole = self.frames.whole();
                self.end = Some(match (stop, self.end.take()) {
                    (Stop::Closed, Some(closed)) => closed,
                    (Stop::Closed, None) => End::Closed("unknown".to_owned()),
                    (Stop::Cut, _) => End::Cut(whole),
                    (Stop::Damaged(why), _) => End::Damaged(whole, why),
                    (Stop::Io(error), _) => End::Damaged(whole, error.to_string()),
                });
                return;
            }
        };
        if let Err(why) = self.rows(&batch) {
            self.end = Some(End::Damaged(before, why));
        }
    }

    fn rows(&mut self, batch: &arrow_array::RecordBatch) -> Result<(), String> {
        let view = View::of(batch).map_err(|wrong| wrong.to_string())?;
        let mut closed = None;
        for line in view.lines() {
            self.partial.rows += 1;
            if self.partial.rows > MOST_ROWS {
                return Err("an interval has too many rows".to_owned());
            }
            self.sum = counted(&line)
                .and_then(|count| self.sum.checked_add(count))
                .filter(|sum| *sum <= MOST_COUNTED)
                .ok_or("it counts more than there can be")?;
            match line.kind {
                Some("interval") => {
                    let interval = std::mem::take(&mut self.partial).close(&line);
                    self.pending
                        .push_back(interval.ok_or("an interval has no time")?);
                }
                Some("end") => closed = Some(line.name.unwrap_or("unknown").to_owned()),
                // Rows of kinds that this version does not know are left out.
                _ => self
                    .partial
                    .add(&line, &mut self.names)
                    .map_err(|error| error.to_string())?,
            }
        }
        if let Some(why) = closed {
            // Is there a mark that the stream was closed behind it?
            self.end = match self.frames.batch(&self.schema) {
                Err(Stop::Closed) => Some(End::Closed(why)),
                Ok(_) => Some(End::Damaged(
                    self.frames.whole(),
                    "it goes on behind its end".to_owned(),
                )),
                Err(Stop::Cut) => Some(End::Cut(self.frames.whole())),
                Err(Stop::Damaged(why)) => Some(End::Damaged(self.frames.whole(), why)),
                Err(Stop::Io(why)) => Some(End::Damaged(self.frames.whole(), why.to_string())),
            };
        }
        Ok(())
    }
}

impl Partial {
    fn add(&mut self, line: &Line<'_>, names: &mut Recorded) -> Result<(), TooMany> {
        if line.kind != Some("connection") {
            self.counting = None;
        }
        match line.kind {
            Some("site") => {
                let key = names.site(line)?;
                self.snapshot.sites.push((key, weights(line)));
            }
            Some("flow") => {
                let site = names.site(line)?;
                let key = flow(site, line);
                let netns = site.netns;
                for (end, here) in [(line.src, line.src_here), (line.dst, line.dst_here)] {
                    names.learn_here(netns, end.and_then(|end| end.parse().ok()), here)?;
                }
                self.flows.push((key, weights(line)));
            }
            Some("poll") => {
                let key = NapiKey {
                    cpu: line.cpu.unwrap_or_default(),
                    ifindex: line.ifindex.unwrap_or_default(),
                    netns: line.netns.unwrap_or_default(),
                    napi_id: line.napi_id.unwrap_or_default(),
                    poll: names.poll(line.function)?,
                };
                names.learn_device(key.netns, key.ifindex, line.device)?;
                let polls = line.value.unwrap_or_default();
                self.snapshot.napis.push((key, polls));
            }
            Some("connection") => self.connection(line),
            Some("count") => self.count(line),
            Some("counter") => {
                if let (Some(scope), Some(name)) = (line.scope, line.name) {
                    self.counters.push(HostCounter {
                        scope: scope.to_owned(),
                        name: name.to_owned(),
                        value: line.value,
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, line: &Line<'_>) {
        let (Some(scope), Some(name)) = (line.scope, line.name) else {
            return;
        };
        let known = count::COUNTS
            .iter()
            .find(|(_, of, called, _)| (*of, *called) == (scope, name));
        if let Some((counter, ..)) = known {
            let slot = &mut self.snapshot.counters.0[*counter as usize];
            *slot = slot.saturating_add(line.value.unwrap_or_default());
            return;
        }
        let aftermath = |partial: &mut Self, set: fn(&mut Aftermath, bool)| {
            let all = line.value == Some(1);
            set(partial.aftermath.get_or_insert_default(), all);
        };
        match (scope, name) {
            (count::KERNEL, count::RECURSION_MISSED) => {
                self.snapshot.recursion_missed = line.value;
            }
            (count::KERNEL, count::REJECTED) => {
                self.snapshot.rejected = line.value.unwrap_or_default();
            }
            (count::KERNEL, count::FLOW_CUT) => {
                self.counts_flows = line.value.is_some();
                // What the file has no row for is what had no room.
                let slot = &mut self.snapshot.counters.0[Counter::FlowOther as usize];
                *slot = slot.saturating_add(line.value.unwrap_or_default());
            }
            (count::KERNEL, count::ALL_RETRANSMITS) => {
                aftermath(self, |aftermath, all| aftermath.all_retransmits = all);
            }
            (count::KERNEL, count::ALL_RESETS) => {
                aftermath(self, |aftermath, all| aftermath.all_resets = all);
            }
            (count::SOFTNET, count::TIME_SQUEEZE) => {
                if let (Some(cpu), Some(times)) = (line.cpu, line.value) {
                    self.time_squeeze.get_or_insert_default().push((cpu, times));
                }
            }
            _ => {}
        }
    }

    /// Rows of a connection: those of its counts that are not zero, then one that
    /// ends them.
    fn connection(&mut self, line: &Line<'_>) {
        let (Some(src), Some(dst)) = (line.src.and_then(words), line.dst.and_then(words)) else {
            return;
        };
        let connection = Connection {
            addresses: [src, dst],
            ports: [
                line.src_port.unwrap_or_default(),
                line.dst_port.unwrap_or_default(),
            ],
            netns: line.netns.unwrap_or_default(),
        };
        let mut counts = match self.counting {
            Some((same, counts)) if same == connection => counts,
            _ => Counts::default(),
        };
        let what = WHAT.iter().find(|(_, name)| line.name == Some(*name));
        let end = ENDS.iter().position(|end| line.scope == Some(*end));
        if let (Some((what, _)), Some(end)) = (what, end) {
            let value = line.value.unwrap_or_default();
            counts[*what as usize][end] = u32::try_from(value).unwrap_or(u32::MAX);
        }
        self.counting = Some((connection, counts));
        if matches!(line.name, Some("watched" | "removed")) {
            self.counting = None;
            let aftermath = self.aftermath.get_or_insert_default();
            aftermath.connections.push(Followed {
                connection,
                counts,
                removed: line.name == Some("removed"),
            });
        }
    }

    fn close(self, line: &Line<'_>) -> Option<Interval> {
        let Self {
            mut snapshot,
            flows,
            counts_flows,
            aftermath,
            time_squeeze,
            counters,
            ..
        } = self;
        snapshot.seconds = line.seconds.filter(|seconds| seconds.is_finite())?.max(0.0);
        if counts_flows {
            snapshot.flows = Some(flows);
            snapshot.aftermath = aftermath;
        }
        Some(Interval {
            time: Timestamp::from_microsecond(line.time?).ok()?,
            snapshot,
            time_squeeze,
            counters,
        })
    }
}

fn weights(line: &Line<'_>) -> Weights {
    Weights {
        drops: line.drops.unwrap_or_default(),
        packets: line.packets.unwrap_or_default(),
        bytes: line.bytes.unwrap_or_default(),
    }
}

/// What a row adds to the sums of a run.
fn counted(line: &Line<'_>) -> Option<u64> {
    let value = line.value.filter(|_| line.kind != Some("counter"));
    [line.drops, line.packets, line.bytes, value]
        .into_iter()
        .flatten()
        .try_fold(0_u64, u64::checked_add)
}

fn flow(site: SiteKey, line: &Line<'_>) -> FlowKey {
    let address = |text: Option<&str>| {
        let mut bytes = [0; 16];
        match text.and_then(|text| text.parse().ok()) {
            Some(IpAddr::V4(address)) => bytes[..4].copy_from_slice(&address.octets()),
            Some(IpAddr::V6(address)) => bytes = address.octets(),
            None => {}
        }
        bytes
    };
    let icmp = match (line.icmp_type, line.icmp_code) {
        (Some(r#type), Some(code)) => Some(r#type << 8 | code & 0xff),
        _ => None,
    };
    FlowKey {
        site: SiteKey {
            state: site.state | state::FLOW,
            ..site
        },
        addrs: FlowAddrs {
            src: address(line.src),
            dst: address(line.dst),
            src_port: line.src_port.unwrap_or_default(),
            dst_port: icmp.or(line.dst_port).unwrap_or_default(),
        },
        reserved: 0,
    }
}

/// An end's address, as the kernel side keeps it.
fn words(text: &str) -> Option<[u32; 4]> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => {
            let word = u32::from_ne_bytes(Ipv4Addr::octets(&address));
            [0, 0, MAPPED, word]
        }
        IpAddr::V6(address) => {
            let octets = Ipv6Addr::octets(&address);
            let mut words = [0; 4];
            for (word, four) in words.iter_mut().zip(octets.chunks_exact(4)) {
                *word = u32::from_ne_bytes([four[0], four[1], four[2], four[3]]);
            }
            words
        }
    })
}
