//! Rows of places and of flows.

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
};

use arrow_schema::ArrowError;
use netdrop_ebpf::{area::Weights, flow::FlowKey, site::SiteKey};

use super::rows::Rows;
use crate::{
    kernel::snapshot::Snapshot,
    recording::columns::Line,
    tally::{
        intern::Name,
        names::Names,
        protocol::{self, Ends},
        site::Site,
    },
};

impl Rows {
    pub(super) fn sites_of(
        &mut self,
        snapshot: &Snapshot,
        names: &mut dyn Names,
    ) -> Result<(), ArrowError> {
        self.seen.clear();
        for (key, weights) in summed(&snapshot.sites) {
            let site = self.sites.site(&key, names);
            self.seen.push((site, weights));
            self.push_site(&self.line("site"), &key, &site, &weights, names);
            self.turn_full()?;
        }
        Ok(())
    }

    /// Writes the first flows; returns the drops of the others.
    pub(super) fn flows_of(
        &mut self,
        snapshot: &Snapshot,
        names: &mut dyn Names,
    ) -> Result<Option<u64>, ArrowError> {
        let Some(flows) = &snapshot.flows else {
            return Ok(None);
        };
        let flows = summed(flows);
        let drops = |place: &usize| flows[*place].1.drops;
        // Of those that lost as many, the first come first.
        let rank = |place: &usize| (Reverse(drops(place)), *place);
        let mut places: Vec<usize> = (0..flows.len()).collect();
        let top = self.top.min(places.len());
        if top < places.len() {
            places.select_nth_unstable_by_key(top, rank);
        }
        let cut = places.split_off(top).iter().map(drops).sum();
        places.sort_unstable_by_key(rank);
        let flows: Vec<(FlowKey, Weights)> = places.iter().map(|place| flows[*place]).collect();
        for (key, weights) in &flows {
            self.push_flow(key, weights, names);
            self.turn_full()?;
        }
        if let Some(aftermath) = &snapshot.aftermath {
            self.follow(aftermath, &flows);
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
}

/// Each key once, in the order in which they come.
fn summed<K: Copy + Eq + Hash>(rows: &[(K, Weights)]) -> Vec<(K, Weights)> {
    let mut sums: Vec<(K, Weights)> = Vec::with_capacity(rows.len());
    let mut places = HashMap::with_capacity(rows.len());
    for (key, weights) in rows {
        match places.entry(*key) {
            Entry::Vacant(place) => {
                place.insert(sums.len());
                sums.push((*key, *weights));
            }
            Entry::Occupied(place) => {
                let (_, sum) = &mut sums[*place.get()];
                sum.drops += weights.drops;
                sum.packets += weights.packets;
                sum.bytes += weights.bytes;
            }
        }
    }
    sums
}
