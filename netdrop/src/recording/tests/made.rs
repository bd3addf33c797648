//! Intervals in which everything may happen.

use bytes::Bytes;
use netdrop_ebpf::{
    area::{Counter, Weights},
    event::{EVENT_FRAME, EVENT_LINK_LAYER, EVENT_TCP_FLAGS, Event},
    flow::{FlowAddrs, FlowKey},
    site::{NO_REASON, SiteKey, state},
    squeeze::NapiKey,
};

use crate::{
    kernel::{
        capture::Detail,
        snapshot::{Aftermath, Followed, Snapshot},
    },
    tally::{consequences, names::canned::NOWHERE},
};

/// Numbers that look random and are the same every time.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.next(of.len() as u64)).unwrap()]
    }

    fn site(&mut self) -> SiteKey {
        SiteKey {
            location: self.one(&[0x1205, 0x1304, 0x1404, NOWHERE]),
            reason: self.one(&[0, 1, 2, 5, NO_REASON]),
            netns: self.one(&[0, 4, 5]),
            ifindex: self.one(&[0, 1, 7]),
            cpu: self.one(&[0, 1]),
            stack: 0,
            ethertype: self.one(&[0, 0x0800, 0x86dd, 0x0806]),
            state: self.one(&[0, state::RECEIVED, state::NO_TRANSPORT]),
            facts: self.one(&[0, 1 << 10]),
            protocol: self.one(&[1, 6, 6, 17]),
            filter: 0,
        }
    }

    fn flow(&mut self) -> FlowKey {
        let site = SiteKey {
            ethertype: self.one(&[0x0800, 0x0800, 0x86dd]),
            ..self.site()
        };
        let v6 = site.ethertype == 0x86dd;
        let mut address = || {
            let mut bytes = [0; 16];
            bytes[0] = 10;
            bytes[3] = u8::try_from(1 + self.next(3)).unwrap();
            bytes[15] = u8::from(v6);
            bytes
        };
        let (src, dst) = (address(), address());
        let ports = site.protocol != 1 && site.state & state::NO_TRANSPORT == 0;
        let mut port = |some: &[u16]| if ports { self.one(some) } else { 0 };
        let (src_port, dst_port) = (port(&[4000, 4001]), port(&[53, 80]));
        FlowKey {
            site: SiteKey {
                state: site.state | state::FLOW,
                ..site
            },
            addrs: FlowAddrs {
                src,
                dst,
                src_port,
                // Port unreachable, where it is a whole ICMP message.
                dst_port: if site.protocol == 1 && site.state & state::NO_TRANSPORT == 0 {
                    3 << 8 | 3
                } else {
                    dst_port
                },
            },
            reserved: 0,
        }
    }

    /// An interval in which everything may happen.
    fn snapshot(&mut self, before: &[Followed]) -> Snapshot {
        let mut snapshot = Snapshot {
            seconds: 0.5 + f64::from(u32::try_from(self.next(100)).unwrap()) / 128.0,
            recursion_missed: self.one(&[Some(0), Some(3)]),
            ..Snapshot::default()
        };
        let mut flows = Vec::new();
        let mut drops = 0;
        for _ in 0..self.next(30) {
            let weights = Weights {
                drops: 1 + self.next(50),
                packets: 50 + self.next(50),
                bytes: 100 + self.next(9000),
            };
            drops += weights.drops;
            if self.next(3) > 0 {
                let flow = self.flow();
                flows.push((flow, weights));
                snapshot.sites.push((flow.site, weights));
            } else {
                snapshot.sites.push((self.site(), weights));
            }
        }
        let other = self.next(5);
        for (counter, value) in [
            (Counter::Fired, drops + other + 9),
            (Counter::Parts, 9),
            (Counter::SiteOther, other),
            (Counter::SiteOtherPackets, other),
            (Counter::SiteOtherBytes, other * 60),
            (Counter::FlowOther, self.next(3)),
            (Counter::RxPackets, self.next(1000)),
            (Counter::NapiPolls, 30),
            (Counter::NapiFull, 4),
            (Counter::TcpSendReset, self.next(4)),
            (Counter::SampledOut, drops + other),
        ] {
            snapshot.counters.0[counter as usize] = value;
        }
        snapshot.napis.push((
            NapiKey {
                cpu: 1,
                ifindex: 2,
                netns: 4,
                napi_id: 8193,
                poll: 0x400,
            },
            4,
        ));
        let mut connections: Vec<Followed> = before
            .iter()
            .filter(|known| !known.removed)
            .copied()
            .collect();
        for (flow, _) in &flows {
            if let Some((connection, _)) = consequences::connection(flow)
                && !connections.iter().any(|it| it.connection == connection)
            {
                connections.push(Followed {
                    connection,
                    counts: [[0; 3]; 3],
                    removed: false,
                });
            }
        }
        for followed in &mut connections {
            let what = usize::try_from(self.next(3)).unwrap();
            let end = usize::try_from(self.next(3)).unwrap();
            followed.counts[what][end] += u32::try_from(self.next(3)).unwrap();
            followed.removed = self.next(5) == 0;
        }
        snapshot.aftermath = Some(Aftermath {
            connections,
            all_retransmits: true,
            all_resets: false,
        });
        snapshot.flows = Some(flows);
        snapshot
    }
}

impl Numbers {
    /// A drop in full; its headers fit to its flow.
    fn detail(&mut self) -> Detail {
        let FlowKey {
            mut site, addrs, ..
        } = self.flow();
        site.state |= self.one(&[0, state::RX_SOCKET]);
        let link_layer = self.next(3) > 0;
        let mut bytes = Vec::new();
        if link_layer {
            bytes.extend([0x52, 0x54, 0, 0x77, 0x66, 0x55]);
            bytes.extend([0x52, 0x54, 0, 0x11, 0x22, 0x33]);
            if self.next(2) == 0 {
                bytes.extend([0x81, 0, 0, 5]);
            }
            bytes.extend(site.ethertype.to_be_bytes());
        }
        if site.ethertype == 0x0800 {
            bytes.extend([0x45, 0, 0, 48, 0, 1, 0, 0, 64, site.protocol, 0xbe, 0xef]);
            bytes.extend(&addrs.src[..4]);
            bytes.extend(&addrs.dst[..4]);
        } else {
            bytes.extend([0x60, 0, 0, 0, 0, 28, site.protocol, 64]);
            bytes.extend(addrs.src);
            bytes.extend(addrs.dst);
        }
        bytes.extend(addrs.src_port.to_be_bytes());
        bytes.extend(addrs.dst_port.to_be_bytes());
        bytes.extend([0, 28, 0xbe, 0xef]);
        bytes.extend([0; 20]);
        let frames: [u64; 2] = [site.location, 0x1304];
        let stack: Vec<u8> = frames.iter().flat_map(|it| it.to_ne_bytes()).collect();
        Detail {
            event: Event {
                time: self.next(1 << 60),
                site,
                addrs,
                length: 1 + u32::try_from(self.next(1500)).unwrap(),
                pid: self.one(&[0, 4321]),
                segments: self.one(&[1, 3]),
                tcp_flags: self.one(&[0, 0x12]),
                flags: self.one(&[0, EVENT_TCP_FLAGS])
                    | self.one(&[0, EVENT_FRAME])
                    | if link_layer { EVENT_LINK_LAYER } else { 0 },
                command: *b"secretive\0\0\0\0\0\0\0",
                stack_len: u16::try_from(stack.len()).unwrap(),
                headers_len: u16::try_from(bytes.len()).unwrap(),
                generation: 0,
                cgroup: self.one(&[0, 5]),
                receiver: self.one(&[0, 77]),
                qdisc: *b"tbf\0\0\0\0\0\0\0\0\0\0\0\0\0",
                frame_length: 15 + u32::try_from(self.next(1500)).unwrap(),
                tag_type: self.one(&[0, 0x8100, 0x88a8]),
                tag_control: self.one(&[5, 0xe064]),
            },
            stack: stack.into(),
            headers: if self.next(5) == 0 {
                Bytes::new()
            } else {
                bytes.into()
            },
        }
    }
}

/// Sampled drops of so many intervals.
pub(super) fn events(count: usize, seed: u64) -> Vec<Vec<Detail>> {
    let mut numbers = Numbers(seed);
    (0..count)
        .map(|_| (0..numbers.next(20)).map(|_| numbers.detail()).collect())
        .collect()
}

pub(super) fn snapshots(count: usize, seed: u64) -> Vec<Snapshot> {
    let mut numbers = Numbers(seed);
    let mut before = Vec::new();
    (0..count)
        .map(|_| {
            let snapshot = numbers.snapshot(&before);
            before.clone_from(&snapshot.aftermath.as_ref().unwrap().connections);
            snapshot
        })
        .collect()
}
