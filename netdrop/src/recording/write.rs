//! Writes a recording: a batch of rows for each interval, whole or not at all.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write as _},
    sync::Arc,
};

use arrow_ipc::{
    CompressionType, MetadataVersion,
    writer::{IpcWriteOptions, StreamEncoder},
};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use jiff::Timestamp;
use netdrop_ebpf::{
    area::Weights,
    flow::FlowKey,
    hurt::{Connection, Followed, MAPPED},
    site::SiteKey,
    squeeze::NapiKey,
};

use super::{
    columns::{Columns, Line, fields},
    connection::{ENDS, Known, WHAT},
    count,
    header::{Header, KEY},
};
use crate::{
    filter::plan::Plan,
    kernel::snapshot::{Aftermath, Snapshot},
    tally::{
        choose::choose,
        consequences,
        intern::Name,
        names::Names,
        protocol::{self, Ends},
        site::{Site, Sites},
    },
};

/// Rows of a batch at most.
const BATCH: usize = 8192;
/// Room left for the end below `--max-size`.
const END: u64 = 16 << 10;

/// Why a recording cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The disk is full, for example.
    #[error("cannot write the recording: {0}; what was written before can be read")]
    Write(#[from] io::Error),
    /// A fault of ours.
    #[error("cannot encode the recording: {0}")]
    Encode(#[from] ArrowError),
    /// A fault of ours.
    #[error("cannot encode what is known of the host: {0}")]
    Header(#[from] serde_json::Error),
}

/// Has an interval been written?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It has.
    Yes,
    /// The file would grow beyond its bound.
    Full,
}

/// Counters of the host, as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCounter {
    /// Whose, for example `softnet/0`.
    pub scope: String,
    /// Which.
    pub name: String,
    /// Its value; `None` where it is unknown.
    pub value: Option<u64>,
}

/// What an interval is besides its counts.
#[derive(Clone, Copy, Debug)]
pub struct Instant<'a> {
    /// The wall clock at its end.
    pub time: Timestamp,
    /// Delta of `time_squeeze` by CPU; `None` when unknown.
    pub time_squeeze: Option<&'a [(u32, u64)]>,
    /// Counters of the host at its end.
    pub counters: &'a [HostCounter],
}

/// A recording that is being written.
pub struct Recorder {
    file: File,
    schema: SchemaRef,
    encoder: Option<StreamEncoder>,
    columns: Columns,
    /// Whole batches, in bytes.
    written: u64,
    most: Option<u64>,
    top: usize,
    sites: Sites,
    connections: HashMap<Connection, Known>,
    counters: HashMap<(String, String), Option<u64>>,
    attached: Vec<String>,
    filter: Option<Plan>,
    interval: u32,
    seconds: f64,
    time: Timestamp,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Recorder")
            .field("written", &self.written)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Writes the header and the host's counters at the start. `most` bounds the
    /// file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn start(
        file: File,
        header: &Header,
        most: Option<u64>,
        counters: &[HostCounter],
    ) -> Result<Self, RecordError> {
        let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(header)?)]);
        let schema = Schema::new_with_metadata(fields(), metadata);
        let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)?
            .try_with_compression(Some(CompressionType::ZSTD))?;
        let encoder = StreamEncoder::try_new_with_options(&schema, options)?;
        let mut recorder = Self {
            file,
            schema: Arc::new(schema),
            encoder: Some(encoder),
            columns: Columns::default(),
            written: 0,
            most,
            top: header.top.map_or(0, |top| top as usize),
            sites: Sites::default(),
            connections: HashMap::new(),
            counters: HashMap::new(),
            attached: header
                .hooks
                .iter()
                .filter(|hook| hook.attached)
                .map(|hook| hook.name.clone())
                .collect(),
            filter: None,
            interval: 0,
            seconds: 0.0,
            time: header.start.unwrap_or_default(),
        };
        recorder.push_counters(counters);
        let mut bytes = Vec::new();
        recorder.encode(&mut bytes)?;
        recorder.append(&bytes)?;
        Ok(recorder)
    }

    /// From now on, only what the filter wants is recorded.
    pub fn filter(&mut self, plan: &Plan) {
        self.filter = plan.asks_rows().then(|| plan.clone());
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes an interval.
    ///
    /// # Errors
    ///
    /// When the file cannot be written. It then ends behind the interval before.
    pub fn interval(
        &mut self,
        snapshot: &Snapshot,
        instant: &Instant<'_>,
        names: &mut dyn Names,
    ) -> Result<Written, RecordError> {
        self.sites.next_interval();
        self.seconds = snapshot.seconds;
        self.time = instant.time;
        let chosen = self
            .filter
            .as_ref()
            .map(|plan| choose(plan, snapshot, &mut self.sites, names));
        let snapshot = chosen.as_ref().map_or(snapshot, |chosen| &chosen.snapshot);
        let mut bytes = Vec::new();
        self.sites_of(snapshot, names, &mut bytes)?;
        let cut = self.flows_of(snapshot, names, &mut bytes)?;
        self.polls_of(snapshot, names);
        self.push_counts(snapshot, instant.time_squeeze, cut);
        self.push_counters(instant.counters);
        let line = Line {
            drops: Some(snapshot.counters.counted()),
            ..self.line("interval")
        };
        self.columns.push(&line);
        self.encode(&mut bytes)?;
        let size = self.written + bytes.len() as u64 + END;
        if self.most.is_some_and(|most| size > most) {
            return Ok(Written::Full);
        }
        self.append(&bytes)?;
        self.interval += 1;
        Ok(Written::Yes)
    }

    /// Closes the recording, saying why it ends.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(mut self, why: &str) -> Result<u64, RecordError> {
        let line = Line {
            name: Some(why),
            ..self.line("end")
        };
        self.columns.push(&line);
        let mut bytes = Vec::new();
        self.encode(&mut bytes)?;
        if let Some(encoder) = self.encoder.take() {
            for buffer in encoder.finish()? {
                bytes.extend_from_slice(&buffer);
            }
        }
        self.append(&bytes)?;
        // A pipe has nothing to be synchronised with.
        let _ = self.file.sync_all();
        Ok(self.written)
    }

    /// Turns the rows so far into a batch behind what is already encoded.
    fn encode(&mut self, bytes: &mut Vec<u8>) -> Result<(), RecordError> {
        let batch = self.columns.batch(Arc::clone(&self.schema))?;
        if let Some(encoder) = &mut self.encoder {
            for buffer in encoder.encode(&batch)? {
                bytes.extend_from_slice(&buffer);
            }
        }
        Ok(())
    }

    fn encode_full(&mut self, bytes: &mut Vec<u8>) -> Result<(), RecordError> {
        if self.columns.len() >= BATCH {
            self.encode(bytes)?;
        }
        Ok(())
    }

    /// Writes whole batches, or takes back what was written of them.
    fn append(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        if let Err(error) = self.file.write_all(bytes) {
            // Where it cannot be taken back, as in a pipe, readers tell the rest
            // from a whole batch themselves.
            let _ = self.file.set_len(self.written);
            return Err(error.into());
        }
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn line<'a>(&self, kind: &'a str) -> Line<'a> {
        Line {
            kind: Some(kind),
            time: Some(self.time.as_microsecond()),
            interval: Some(self.interval),
            seconds: Some(self.seconds),
            ..Line::default()
        }
    }

    fn sites_of(
        &mut self,
        snapshot: &Snapshot,
        names: &mut dyn Names,
        bytes: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        for (key, weights) in summed(&snapshot.sites) {
            let site = self.sites.site(&key, names);
            self.push_site(&self.line("site"), &key, &site, &weights, names);
            self.encode_full(bytes)?;
        }
        Ok(())
    }

    /// Writes the first flows; returns the drops of the others.
    fn flows_of(
        &mut self,
        snapshot: &Snapshot,
        names: &mut dyn Names,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<u64>, RecordError> {
        let Some(flows) = &snapshot.flows else {
            return Ok(None);
        };
        let mut flows: Vec<(FlowKey, Weights)> = summed(flows).into_iter().collect();
        let top = self.top.min(flows.len());
        if top < flows.len() {
            flows.select_nth_unstable_by_key(top, |(_, weights)| std::cmp::Reverse(weights.drops));
        }
        let cut = flows[top..].iter().map(|(_, weights)| weights.drops).sum();
        flows.truncate(top);
        flows.sort_unstable_by_key(|(_, weights)| std::cmp::Reverse(weights.drops));
        for (key, weights) in &flows {
            self.push_flow(key, weights, names);
            self.encode_full(bytes)?;
        }
        if let Some(aftermath) = &snapshot.aftermath {
            self.push_connections(aftermath, &flows);
        }
        Ok(Some(cut))
    }

    fn push_flow(&mut self, key: &FlowKey, weights: &Weights, names: &mut dyn Names) {
        let site = self.sites.site(&key.site, names);
        let ends = Ends::of(&key.site, &key.addrs);
        let icmp = protocol::icmp(&key.site, &key.addrs);
        let mut here = |address: Option<std::net::IpAddr>| {
            let tcp = protocol::is_tcp(&key.site) && key.site.netns != 0;
            address
                .filter(|_| tcp)
                .and_then(|address| names.is_local(key.site.netns, address))
        };
        let (src_here, dst_here) = (here(ends.src), here(ends.dst));
        let [src, dst] = [ends.src, ends.dst].map(|end| end.map(|end| end.to_string()));
        let base = Line {
            src: src.as_deref(),
            src_port: ends.src_port,
            dst: dst.as_deref(),
            dst_port: ends.dst_port,
            icmp_type: icmp.map(|(r#type, _)| r#type.into()),
            icmp_code: icmp.map(|(_, code)| code.into()),
            src_here,
            dst_here,
            ..self.line("flow")
        };
        self.push_site(&base, &key.site, &site, weights, names);
    }

    /// Adds what is known of a site to a row.
    fn push_site(
        &mut self,
        base: &Line<'_>,
        key: &SiteKey,
        site: &Site,
        weights: &Weights,
        names: &mut dyn Names,
    ) {
        let device = self.sites.device(key, names);
        self.sites.learn_netns(key.netns, names);
        let Self { sites, columns, .. } = self;
        let netns = sites.netns(key.netns);
        let text = |name: Option<Name>| name.map(|name| &**sites.interner.text(name));
        let address = site.address.map(|address| format!("{address:#x}"));
        columns.push(&Line {
            stage: text(site.stage),
            hook: text(site.hook),
            engine: text(site.engine),
            qdisc: text(site.qdisc),
            stage_by: site.by.as_str(),
            reason: text(site.reason),
            function: text(site.function),
            offset: site.offset,
            address: address.as_deref(),
            direction: text(site.direction),
            severity: Some(site.severity.as_str()),
            protocol: text(site.protocol),
            ethertype: Some(key.ethertype),
            ip_protocol: Some(key.protocol.into()),
            state: Some(key.state),
            facts: Some(key.facts),
            device: text(device),
            ifindex: (key.ifindex != 0).then_some(key.ifindex),
            netns: (key.netns != 0).then_some(key.netns),
            netns_name: text(netns.map(|netns| netns.name)),
            netns_kind: text(netns.map(|netns| netns.kind)),
            cpu: Some(key.cpu.into()),
            drops: Some(weights.drops),
            packets: Some(weights.packets),
            bytes: Some(weights.bytes),
            ..*base
        });
    }

    fn polls_of(&mut self, snapshot: &Snapshot, names: &mut dyn Names) {
        for (key, polls) in &snapshot.napis {
            let NapiKey {
                cpu,
                ifindex,
                netns,
                napi_id,
                poll,
            } = *key;
            let known = |number| (number != 0).then_some(number);
            let device = known(ifindex).and_then(|ifindex| names.device(netns, ifindex));
            let function = (poll != 0)
                .then(|| names.function(poll))
                .flatten()
                .filter(|place| place.offset == 0);
            let line = Line {
                cpu: Some(cpu),
                ifindex: known(ifindex),
                netns: known(netns),
                napi_id: known(napi_id),
                device: device.as_deref(),
                function: function.as_ref().map(|place| &*place.function),
                value: Some(*polls),
                ..self.line("poll")
            };
            self.columns.push(&line);
        }
    }

    fn push_counts(
        &mut self,
        snapshot: &Snapshot,
        time_squeeze: Option<&[(u32, u64)]>,
        cut: Option<u64>,
    ) {
        let base = self.line("count");
        let Self {
            columns, attached, ..
        } = self;
        let mut push = |scope, name, cpu, value| {
            columns.push(&Line {
                scope: Some(scope),
                name: Some(name),
                cpu,
                value,
                ..base
            });
        };
        for (counter, scope, name, hook) in count::COUNTS {
            let attached = hook.is_none_or(|hook| attached.iter().any(|name| name == hook));
            let value = attached.then(|| snapshot.counters.get(counter));
            push(scope, name, None, value);
        }
        let missed = snapshot.recursion_missed;
        push(count::KERNEL, count::RECURSION_MISSED, None, missed);
        let rejected = Some(snapshot.rejected);
        push(count::KERNEL, count::REJECTED, None, rejected);
        push(count::KERNEL, count::FLOW_CUT, None, cut);
        if let Some(aftermath) = &snapshot.aftermath {
            let all = [
                (count::ALL_RETRANSMITS, aftermath.all_retransmits),
                (count::ALL_RESETS, aftermath.all_resets),
            ];
            for (name, all) in all {
                push(count::KERNEL, name, None, Some(all.into()));
            }
        }
        match time_squeeze {
            Some(cpus) => {
                for (cpu, times) in cpus {
                    let cpu = Some(*cpu);
                    push(count::SOFTNET, count::TIME_SQUEEZE, cpu, Some(*times));
                }
            }
            None => push(count::SOFTNET, count::TIME_SQUEEZE, None, None),
        }
    }

    /// Counters of the host: those that are not as they were.
    fn push_counters(&mut self, counters: &[HostCounter]) {
        for HostCounter { scope, name, value } in counters {
            let key = (scope.clone(), name.clone());
            if self.counters.get(&key) == Some(value) {
                continue;
            }
            self.counters.insert(key, *value);
            let line = Line {
                scope: Some(scope),
                name: Some(name),
                value: *value,
                ..self.line("counter")
            };
            self.columns.push(&line);
        }
    }

    /// What is new of the connections whose flows are in the file.
    fn push_connections(&mut self, aftermath: &Aftermath, flows: &[(FlowKey, Weights)]) {
        let listed = flows
            .iter()
            .filter_map(|(key, _)| consequences::connection(key))
            .map(|(connection, _)| connection)
            .collect();
        for known in Known::news(&mut self.connections, aftermath, &listed) {
            let [first, second] = known.connection.addresses.map(|words| text(&words));
            let [first_port, second_port] = known.connection.ports;
            let base = Line {
                src: Some(&first),
                src_port: Some(first_port),
                dst: Some(&second),
                dst_port: Some(second_port),
                netns: Some(known.connection.netns),
                ..self.line("connection")
            };
            for (what, scope, value) in counts(&known.counts) {
                self.columns.push(&Line {
                    name: Some(what),
                    scope: Some(scope),
                    value: Some(value.into()),
                    ..base
                });
            }
            let name = if known.removed { "removed" } else { "watched" };
            self.columns.push(&Line {
                name: Some(name),
                ..base
            });
        }
    }
}

/// All counts that are not zero.
fn counts(all: &Followed) -> impl Iterator<Item = (&'static str, &'static str, u32)> {
    WHAT.into_iter().flat_map(|(what, name)| {
        let ends = ENDS.into_iter().zip(all[what as usize]);
        ends.filter(|(_, count)| *count > 0)
            .map(move |(scope, count)| (name, scope, count))
    })
}

/// An end's address.
fn text(words: &[u32; 4]) -> String {
    let mut bytes = [0; 16];
    for (four, word) in bytes.chunks_exact_mut(4).zip(words) {
        four.copy_from_slice(&word.to_ne_bytes());
    }
    let address = std::net::Ipv6Addr::from(bytes);
    match words {
        [0, 0, MAPPED, _] => address
            .to_ipv4_mapped()
            .map_or_else(|| address.to_string(), |address| address.to_string()),
        _ => address.to_string(),
    }
}

/// Each key once.
fn summed<K: Copy + Eq + std::hash::Hash>(rows: &[(K, Weights)]) -> HashMap<K, Weights> {
    let mut sums: HashMap<K, Weights> = HashMap::with_capacity(rows.len());
    for (key, weights) in rows {
        let sum = sums.entry(*key).or_default();
        sum.drops += weights.drops;
        sum.packets += weights.packets;
        sum.bytes += weights.bytes;
    }
    sums
}
