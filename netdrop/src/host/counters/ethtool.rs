//! What a device's driver says of itself: link, rings, channels, coalescing,
//! offloads, and its own counters.

use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::kernel::sys::ethtool;

/// A driver that does not answer within this time is given up.
const PATIENCE: Duration = Duration::from_secs(1);
/// Threads that ask.
const ASKERS: usize = 16;

/// What the driver of a device said. Empty where it knows nothing of a thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driver {
    /// Its device.
    pub device: Arc<str>,
    /// Numbers that can be set or depend on the hardware, by name:
    /// `link.speed` (Mbit/s), `ring.rx`, `ring.rx_max`, `channels.combined`,
    /// `coalesce.rx_usecs`, `feature.gro` (0 or 1), `rss.queues`.
    pub settings: Vec<(String, u64)>,
    /// Its own counters, as `ethtool -S` names them.
    pub statistics: Vec<(String, u64)>,
}

/// Asks the driver of each device, several at once. It ends a second after the
/// last answer.
///
/// Also names the devices whose driver did not answer in time; their questions
/// stay behind in a thread each, since the kernel cannot be told to give up.
pub(super) fn read(devices: &[Arc<str>]) -> (Vec<Driver>, Vec<Arc<str>>) {
    read_by(ask, devices)
}

fn read_by(
    ask: impl Fn(Arc<str>) -> Driver + Copy + Send + 'static,
    devices: &[Arc<str>],
) -> (Vec<Driver>, Vec<Arc<str>>) {
    let (sender, receiver) = mpsc::channel();
    let mut waiting: Vec<Arc<str>> = devices.to_vec();
    let next = Arc::new(Mutex::new(waiting.clone().into_iter()));
    for _ in 0..devices.len().min(ASKERS) {
        let (next, sender) = (Arc::clone(&next), sender.clone());
        let work = move || {
            let take = || next.lock().ok()?.next();
            while let Some(device) = take() {
                if sender.send(ask(device)).is_err() {
                    break;
                }
            }
        };
        // What is not asked is told as silent.
        drop(
            thread::Builder::new()
                .name("ethtool".to_owned())
                .spawn(work),
        );
    }
    drop(sender);
    let mut found: Vec<Driver> = Vec::new();
    while !waiting.is_empty() {
        let Ok(answer) = receiver.recv_timeout(PATIENCE) else {
            break;
        };
        waiting.retain(|device| *device != answer.device);
        found.push(answer);
    }
    found.sort_by(|a, b| a.device.cmp(&b.device));
    (found, waiting)
}

fn ask(device: Arc<str>) -> Driver {
    let Ok(socket) = open() else {
        return Driver {
            device,
            ..Driver::default()
        };
    };
    let socket = socket.as_fd();
    Driver {
        settings: settings(socket, &device),
        statistics: ethtool::statistics(socket, &device).unwrap_or_default(),
        device,
    }
}

fn open() -> io::Result<OwnedFd> {
    Ok(socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?)
}

fn settings(socket: BorrowedFd<'_>, device: &str) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut add = |name: &str, number: u32| found.push((name.to_owned(), u64::from(number)));
    if let Ok(link) = ethtool::link(socket, device) {
        let [duplex, ..] = link[2].to_ne_bytes();
        // SPEED_UNKNOWN and DUPLEX_UNKNOWN (include/uapi/linux/ethtool.h).
        if link[1] != u32::MAX && link[1] != 0 {
            add("link.speed", link[1]);
        }
        if duplex <= 1 {
            add("link.full_duplex", duplex.into());
        }
    }
    if let Ok(rings) = ethtool::rings(socket, device) {
        for (way, now, most) in [("rx", rings[5], rings[1]), ("tx", rings[8], rings[4])] {
            if most > 0 {
                add(&format!("ring.{way}"), now);
                add(&format!("ring.{way}_max"), most);
            }
        }
    }
    if let Ok(channels) = ethtool::channels(socket, device) {
        for (what, most, now) in [("rx", 1, 5), ("tx", 2, 6), ("combined", 4, 8)] {
            if channels[most] > 0 {
                add(&format!("channels.{what}"), channels[now]);
                add(&format!("channels.{what}_max"), channels[most]);
            }
        }
    }
    if let Ok(coalescing) = ethtool::coalescing(socket, device) {
        for (name, place) in [
            ("rx_usecs", 1),
            ("rx_frames", 2),
            ("tx_usecs", 5),
            ("tx_frames", 6),
            ("adaptive_rx", 10),
            ("adaptive_tx", 11),
        ] {
            add(&format!("coalesce.{name}"), coalescing[place]);
        }
    }
    if let Ok(features) = ethtool::features(socket, device) {
        for (kernel, short) in FEATURES {
            if let Some((_, on)) = features.iter().find(|(name, _)| name == kernel) {
                add(&format!("feature.{short}"), (*on).into());
            }
        }
    }
    if let Ok(mut queues) = ethtool::spread(socket, device) {
        queues.sort_unstable();
        queues.dedup();
        if let Ok(number @ 1..) = u32::try_from(queues.len()) {
            add("rss.queues", number);
        }
    }
    found
}

/// Offloads that matter, as the kernel and as `ethtool -K` names them
/// (`netdev_features_strings`, net/ethtool/common.c).
const FEATURES: [(&str, &str); 9] = [
    ("rx-gro", "gro"),
    ("rx-gro-hw", "rx-gro-hw"),
    ("rx-gro-list", "rx-gro-list"),
    ("rx-udp-gro-forwarding", "rx-udp-gro-forwarding"),
    ("rx-lro", "lro"),
    ("rx-checksum", "rx"),
    ("tx-generic-segmentation", "gso"),
    ("tx-tcp-segmentation", "tso"),
    ("tx-checksum-ip-generic", "tx"),
];

/// Does a driver's counter speak of loss?
#[must_use]
pub fn speaks_of_loss(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "drop",
        "err",
        "miss",
        "fifo",
        "discard",
        "no_buf",
        "nobuf",
        "out_of_buf",
        "overrun",
        "overflow",
        "crc",
        "fail",
        "timeout",
        "lost",
        "no_desc",
        "exhaust",
    ];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn names_of_well_known_drivers_that_tell_of_loss_are_known() {
        for name in [
            "rx_missed_errors",
            "rx_no_buffer_count",
            "rx_out_of_buffer",
            "rx_queue_0_drops",
            "rx_discards_phy",
            "port.rx_oversize_fifo_overrun",
            "rx0_xdp_drops",
        ] {
            assert!(speaks_of_loss(name), "{name}");
        }
        for name in ["rx_packets", "tx_queue_0_bytes", "rx0_kicks", "rx_pause"] {
            assert!(!speaks_of_loss(name), "{name}");
        }
    }

    #[test]
    fn a_driver_that_hangs_is_given_up_and_named() {
        let hangs = |device: Arc<str>| {
            if &*device == "slow" {
                thread::sleep(100 * PATIENCE);
            }
            Driver {
                device,
                ..Driver::default()
            }
        };
        let start = Instant::now();
        let (found, silent) = read_by(hangs, &["slow".into(), "fast".into()]);
        assert!(start.elapsed() < 3 * PATIENCE);
        assert_eq!(found.len(), 1);
        assert_eq!(&*found[0].device, "fast");
        assert_eq!(silent, ["slow".into()]);
    }

    #[test]
    fn the_loopback_device_tells_its_offloads() {
        let lo: Arc<str> = "lo".into();
        let nobody: Arc<str> = "no-such-device".into();
        let (found, silent) = read(&[lo, nobody]);
        assert_eq!(silent, Vec::<Arc<str>>::new());
        assert_eq!(found.len(), 2);
        let has = |name: &str| found[0].settings.iter().any(|(known, _)| known == name);
        assert!(has("feature.gso"), "{:?}", found[0]);
        assert!(found[1].settings.is_empty() && found[1].statistics.is_empty());
    }
}
