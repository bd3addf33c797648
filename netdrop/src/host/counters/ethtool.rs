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
    /// What is no number: `rss.spread`, and one word for what the driver does not
    /// tell (`ring`: `unsupported`).
    pub words: Vec<(&'static str, String)>,
    /// Its own counters, as `ethtool -S` names them.
    pub statistics: Vec<(String, u64)>,
}

/// Asks the driver of each device, several at once; with `brief` only for its own
/// counters. It ends a second after the
/// last answer.
///
/// Also names the devices whose driver did not answer in time; their questions
/// stay behind in a thread each, since the kernel cannot be told to give up.
pub(super) fn read(devices: &[Arc<str>], brief: bool) -> (Vec<Driver>, Vec<Arc<str>>) {
    read_by(move |device| ask(device, brief), devices)
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

fn ask(device: Arc<str>, brief: bool) -> Driver {
    let Ok(socket) = open() else {
        return Driver {
            device,
            ..Driver::default()
        };
    };
    let socket = socket.as_fd();
    let mut driver = Driver {
        statistics: ethtool::statistics(socket, &device).unwrap_or_default(),
        device,
        ..Driver::default()
    };
    if !brief {
        driver.settings(socket);
    }
    driver
}

fn open() -> io::Result<OwnedFd> {
    Ok(socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?)
}

impl Driver {
    fn settings(&mut self, socket: BorrowedFd<'_>) {
        let device = Arc::clone(&self.device);
        if let Some(link) = self.told("link.speed", ethtool::link(socket, &device)) {
            let [duplex, ..] = link[2].to_ne_bytes();
            // SPEED_UNKNOWN and DUPLEX_UNKNOWN (include/uapi/linux/ethtool.h).
            if link[1] != u32::MAX && link[1] != 0 {
                self.set("link.speed", link[1]);
            } else {
                self.words.push(("link.speed", UNKNOWN.to_owned()));
            }
            if duplex <= 1 {
                self.set("link.full_duplex", duplex.into());
            } else {
                self.words.push(("link.full_duplex", UNKNOWN.to_owned()));
            }
        }
        if let Some(rings) = self.told("ring", ethtool::rings(socket, &device)) {
            for (way, now, most) in [("rx", rings[5], rings[1]), ("tx", rings[8], rings[4])] {
                if most > 0 {
                    self.set(&format!("ring.{way}"), now);
                    self.set(&format!("ring.{way}_max"), most);
                }
            }
        }
        if let Some(channels) = self.told("channels", ethtool::channels(socket, &device)) {
            for (what, most, now) in [("rx", 1, 5), ("tx", 2, 6), ("combined", 4, 8)] {
                if channels[most] > 0 {
                    self.set(&format!("channels.{what}"), channels[now]);
                    self.set(&format!("channels.{what}_max"), channels[most]);
                }
            }
        }
        if let Some(coalescing) = self.told("coalesce", ethtool::coalescing(socket, &device)) {
            for (name, place) in [
                ("rx_usecs", 1),
                ("rx_frames", 2),
                ("tx_usecs", 5),
                ("tx_frames", 6),
                ("adaptive_rx", 10),
                ("adaptive_tx", 11),
            ] {
                self.set(&format!("coalesce.{name}"), coalescing[place]);
            }
        }
        if let Some(features) = self.told("feature", ethtool::features(socket, &device)) {
            for (kernel, short) in FEATURES {
                if let Some((_, on)) = features.iter().find(|(name, _)| name == kernel) {
                    self.set(&format!("feature.{short}"), (*on).into());
                }
            }
        }
        if let Some(table) = self.told("rss", ethtool::spread(socket, &device)) {
            let mut queues = table.clone();
            queues.sort_unstable();
            queues.dedup();
            if let Ok(number @ 1..) = u32::try_from(queues.len()) {
                self.set("rss.queues", number);
                self.words.push(("rss.spread", spread(&table)));
            }
        }
    }

    fn set(&mut self, name: &str, number: u32) {
        self.settings.push((name.to_owned(), number.into()));
    }

    /// What the driver answered, or one word for why it did not.
    fn told<T>(&mut self, what: &'static str, answer: io::Result<T>) -> Option<T> {
        let error = match answer {
            Ok(answer) => return Some(answer),
            Err(error) => error,
        };
        let word = match error.raw_os_error() {
            // The device went away meanwhile.
            Some(libc::ENODEV) => return None,
            Some(libc::EOPNOTSUPP) => "unsupported",
            _ => {
                log::debug!("{what} of {}: {error}", self.device);
                UNKNOWN
            }
        };
        self.words.push((what, word.to_owned()));
        None
    }
}

const UNKNOWN: &str = "unknown";

/// How many entries of the RSS table lead to each queue, neighbours with as many
/// together: `0-2:32 3:16`. Queues that none leads to have 0.
fn spread(table: &[u32]) -> String {
    let most = table.iter().max().copied().unwrap_or_default();
    let mut ranges: Vec<(u32, u32, usize)> = Vec::new();
    for queue in 0..=most {
        let entries = table.iter().filter(|other| **other == queue).count();
        match ranges.last_mut() {
            Some((_, last, same)) if *same == entries => *last = queue,
            _ => ranges.push((queue, queue, entries)),
        }
    }
    let ranges: Vec<String> = ranges
        .into_iter()
        .map(|(first, last, entries)| {
            if first == last {
                format!("{first}:{entries}")
            } else {
                format!("{first}-{last}:{entries}")
            }
        })
        .collect();
    ranges.join(" ")
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
    fn a_spread_tells_how_many_entries_lead_to_each_queue() {
        assert_eq!(spread(&[0, 1, 2, 3, 0, 1, 2, 3]), "0-3:2");
        assert_eq!(spread(&[0, 0, 0, 2]), "0:3 1:0 2:1");
        assert_eq!(spread(&[0; 64]), "0:64");
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
        let (found, silent) = read(&[lo, nobody], false);
        assert_eq!(silent, Vec::<Arc<str>>::new());
        assert_eq!(found.len(), 2);
        let has = |name: &str| found[0].settings.iter().any(|(known, _)| known == name);
        assert!(has("feature.gso"), "{:?}", found[0]);
        let unsupported = ("ring", "unsupported".to_owned());
        assert!(found[0].words.contains(&unsupported), "{:?}", found[0]);
        let nothing = Driver {
            device: Arc::clone(&found[1].device),
            ..Driver::default()
        };
        assert_eq!(found[1], nothing);
    }
}
