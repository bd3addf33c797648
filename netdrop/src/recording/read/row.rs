//! What a row stands for, as the kernel side would have put it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netdrop_ebpf::{
    area::Weights,
    flow::{FlowAddrs, FlowKey},
    hurt::MAPPED,
    site::{SiteKey, state},
};

use crate::{
    recording::{
        columns::Line,
        event,
        names::{Recorded, TooMany},
    },
    tally::sampled::Sampled,
};

pub(super) fn weights(line: &Line<'_>) -> Weights {
    Weights {
        drops: line.drops.unwrap_or_default(),
        packets: line.packets.unwrap_or_default(),
        bytes: line.bytes.unwrap_or_default(),
    }
}

pub(super) fn flow(site: SiteKey, line: &Line<'_>) -> FlowKey {
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
pub(super) fn words(text: &str) -> Option<[u32; 4]> {
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

/// The event of a row and about how many bytes it takes; `None` where the row
/// does not say when it was.
pub(super) fn event(
    line: &Line<'_>,
    names: &mut Recorded,
) -> Result<Option<(Sampled, usize)>, TooMany> {
    let Some(drop) = event::drop(line) else {
        return Ok(None);
    };
    let site = names.site(line)?;
    let flow = FlowKey {
        site,
        ..flow(site, line)
    };
    let texts = [
        line.reason,
        line.function,
        line.qdisc,
        line.device,
        line.netns_name,
        line.protocol,
        line.command,
        line.cgroup,
        line.receiver_command,
        line.headers,
        line.stack,
    ];
    let bytes: usize = texts.into_iter().flatten().map(str::len).sum();
    Ok(Some((Sampled { drop, flow }, size_of::<Sampled>() + bytes)))
}
