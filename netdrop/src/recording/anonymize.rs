//! Makes unrecognisable whose traffic a recording tells of, the same way
//! throughout: what was the same host before is the same host after.
//!
//! Comes in: the header, and rows with the addresses and names of the host.
//! Goes out: the same with addresses and names that stand for them. The key is
//! drawn at random and kept nowhere, so nobody can turn it back, and two files
//! have nothing in common.

mod addresses;
mod aliases;
mod packet;

use std::{
    borrow::Cow,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use self::{addresses::Addresses, aliases::Aliases};
use super::{columns::Line, event::hexadecimal, header::Header};
use crate::tally::headers::Headers;

/// Stands for the filter in a header.
pub const FILTER: &str = "left out: anonymized";

/// What stands for what. Clones share it.
#[derive(Clone, Debug)]
pub struct Anonymizer(Arc<Mutex<State>>);

impl PartialEq for Anonymizer {
    /// Do they share what stands for what?
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Why there is no anonymizer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("cannot draw a random key: {0}")]
pub struct NoKey(getrandom::Error);

#[derive(Debug)]
struct State {
    addresses: Addresses,
    hosts: Aliases,
    devices: Aliases,
    namespaces: Aliases,
    commands: Aliases,
    cgroups: Aliases,
}

/// What takes the place of texts of a row.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    scope: Option<Arc<str>>,
    device: Option<Arc<str>>,
    netns_name: Option<Arc<str>>,
    src: Option<Arc<str>>,
    dst: Option<Arc<str>>,
    command: Option<Arc<str>>,
    cgroup: Option<Arc<str>>,
    receiver_command: Option<Arc<str>>,
    headers: Option<Arc<str>>,
}

impl Anonymizer {
    /// With a key of its own.
    ///
    /// # Errors
    ///
    /// When the kernel gives no random numbers.
    pub fn random() -> Result<Self, NoKey> {
        loop {
            let mut key = [0; addresses::KEY_BYTES];
            getrandom::fill(&mut key).map_err(NoKey)?;
            if let Some(some) = Self::with(&key) {
                return Ok(some);
            }
        }
    }

    /// With this key; `None` where it is too weak.
    fn with(key: &[u8; addresses::KEY_BYTES]) -> Option<Self> {
        Some(Self(Arc::new(Mutex::new(State {
            addresses: Addresses::new(key)?,
            hosts: Aliases::new("host", &[]),
            // Every host has it, and it means the same on all.
            devices: Aliases::new("device", &["lo"]),
            namespaces: Aliases::new("netns", &[]),
            commands: Aliases::new("command", &[]),
            cgroups: Aliases::new("/cgroup", &["/"]),
        }))))
    }

    /// Hides what a header tells of the host.
    pub fn header(&self, header: &mut Header) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        header.anonymized = true;
        header.host = state.hosts.of(&header.host).to_string();
        if let Some(filter) = &mut header.filter {
            FILTER.clone_into(filter);
        }
        if !header.warnings.is_empty() {
            header.warnings = vec![format!(
                "{} of the start left out, which may hold names: anonymized",
                header.warnings.len()
            )];
        }
        for device in &mut header.devices {
            device.name = state.devices.of(&device.name).to_string();
        }
        for namespace in &mut header.namespaces {
            namespace.name = state.namespaces.of(&namespace.name).to_string();
        }
    }

    /// What stands for a host whose recording was opened.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<Arc<str>> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.hosts.known(name)
    }

    /// What takes the place of texts of a row.
    pub(super) fn hide(&self, line: &Line<'_>) -> Hidden {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State {
            addresses,
            hosts: _,
            devices,
            namespaces,
            commands,
            cgroups,
        } = &mut *state;
        let counter = line.kind == Some("counter");
        let link_layer = line.headers_from == Some("link");
        Hidden {
            device: line.device.map(|name| devices.of(name)),
            scope: line.scope.map(|scope| {
                if counter {
                    self::scope(scope, devices, addresses)
                } else {
                    scope.into()
                }
            }),
            netns_name: line.netns_name.map(|name| namespaces.of(name)),
            src: line.src.map(|text| addresses.text(text)),
            dst: line.dst.map(|text| addresses.text(text)),
            command: line.command.map(|name| commands.of(name)),
            cgroup: line.cgroup.map(|name| cgroups.of(name)),
            receiver_command: line.receiver_command.map(|name| commands.of(name)),
            headers: line
                .headers
                .and_then(|text| headers(text, link_layer, addresses)),
        }
    }
}

impl Hidden {
    /// The row with those texts instead of its own. Every column is named, so
    /// that a new one is decided on here.
    #[expect(clippy::too_many_lines, reason = "a line for each column")]
    pub(super) fn line<'a>(&'a self, line: &Line<'a>) -> Line<'a> {
        let Line {
            kind,
            time,
            interval,
            seconds,
            scope: _,
            name,
            value,
            stage,
            hook,
            engine,
            qdisc,
            stage_by,
            reason,
            function,
            offset,
            address,
            direction,
            severity,
            protocol,
            ethertype,
            ip_protocol,
            state,
            facts,
            device: _,
            ifindex,
            netns,
            netns_name: _,
            netns_kind,
            cpu,
            napi_id,
            src: _,
            src_port,
            dst: _,
            dst_port,
            icmp_type,
            icmp_code,
            src_here,
            dst_here,
            drops,
            packets,
            bytes,
            at,
            length,
            segments,
            frame_length,
            frame_tags,
            vlan_type,
            vlan_control,
            tcp_flags,
            pid,
            command: _,
            cgroup: _,
            receiver_pid,
            receiver_command: _,
            headers: _,
            headers_from,
            stack,
        } = *line;
        let headers = self.headers.as_deref();
        Line {
            kind,
            time,
            interval,
            seconds,
            scope: self.scope.as_deref(),
            name,
            value,
            stage,
            hook,
            engine,
            qdisc,
            stage_by,
            reason,
            function,
            offset,
            address,
            direction,
            severity,
            protocol,
            ethertype,
            ip_protocol,
            state,
            facts,
            device: self.device.as_deref(),
            ifindex,
            netns,
            netns_name: self.netns_name.as_deref(),
            netns_kind,
            cpu,
            napi_id,
            src: self.src.as_deref(),
            src_port,
            dst: self.dst.as_deref(),
            dst_port,
            icmp_type,
            icmp_code,
            src_here,
            dst_here,
            drops,
            packets,
            bytes,
            at,
            length,
            segments,
            frame_length,
            frame_tags,
            vlan_type,
            vlan_control,
            tcp_flags,
            pid,
            command: self.command.as_deref(),
            cgroup: self.cgroup.as_deref(),
            receiver_pid,
            receiver_command: self.receiver_command.as_deref(),
            headers,
            headers_from: headers_from.filter(|_| headers.is_some()),
            stack,
        }
    }
}

/// Whose counter it is: `cpu 0` and `netns` tell nothing, others begin with a
/// device, and those of sockets hold an address with a port.
fn scope(scope: &str, devices: &mut Aliases, addresses: &mut Addresses) -> Arc<str> {
    const PLAIN: [&str; 3] = ["host", "netns", "cpu"];
    let mut words = scope.split(' ').map(Cow::Borrowed).collect::<Vec<_>>();
    let mut is_socket = false;
    for word in &mut words {
        if let Some((address, port)) = word.rsplit_once(':')
            && let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>()
        {
            let address = match addresses.of(address) {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            };
            *word = format!("{address}:{port}").into();
            is_socket = true;
        }
    }
    if let Some(first) = words.first_mut()
        && !is_socket
        && !PLAIN.contains(&&**first)
    {
        *first = devices.of(first).to_string().into();
    }
    words.join(" ").into()
}

/// The headers without what they carry, and without what tells whose they are.
fn headers(text: &str, link_layer: bool, addresses: &mut Addresses) -> Option<Arc<str>> {
    let bytes: Bytes = hexadecimal::read(text)?.into();
    let headers = Headers::of(&bytes, link_layer)?;
    let bytes = packet::anonymous(headers.bytes.to_vec(), link_layer, addresses).into();
    let headers = Headers { bytes, ..headers };
    (!headers.bytes.is_empty()).then(|| headers.hexadecimal().into())
}

#[cfg(test)]
pub(super) mod tests;
