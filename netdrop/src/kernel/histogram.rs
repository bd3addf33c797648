//! Histograms: how large, how old, how many at a time.

use netdrop_ebpf::histogram::{bounds, bucket, work_bounds, work_bucket};

/// What is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HistogramKind {
    /// Bytes of each dropped skb, from the network header on.
    PacketSize,
    /// Nanoseconds from `netif_receive_skb` or `net_dev_queue` to the death.
    Age,
    /// Packets of each NAPI poll.
    NapiWork,
    /// Drops of each burst: drops on a CPU, each at most
    /// [`BURST_GAP`](netdrop_ebpf::histogram::BURST_GAP) after the one before.
    Burst,
}

impl HistogramKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::PacketSize, Self::Age, Self::NapiWork, Self::Burst];

    /// Its name in JSON, recordings and exports.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::PacketSize => "packet_size",
            Self::Age => "age",
            Self::NapiWork => "napi_work",
            Self::Burst => "burst",
        }
    }

    /// What its values are.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::PacketSize => "bytes",
            Self::Age => "nanoseconds",
            Self::NapiWork => "packets",
            Self::Burst => "drops",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }

    /// The smallest and greatest value counted together with this one.
    #[must_use]
    pub const fn bounds(self, value: u64) -> (u64, u64) {
        match self {
            Self::NapiWork => work_bounds(work_bucket(value)),
            Self::PacketSize | Self::Age | Self::Burst => bounds(bucket(value)),
        }
    }

    /// The smallest and greatest value of an element of the kernel side's array.
    pub(super) const fn element(self, index: u64) -> (u64, u64) {
        match self {
            Self::NapiWork => work_bounds(index),
            Self::PacketSize | Self::Age | Self::Burst => bounds(index),
        }
    }
}

/// Values counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The smallest of them.
    pub from: u64,
    /// The greatest of them.
    pub to: u64,
    /// How often.
    pub count: u64,
}

/// How often which values were met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// What is told apart.
    pub kind: HistogramKind,
    /// Ascending, without empty ones at either end.
    pub buckets: Vec<Bucket>,
    /// How often the value was not known.
    pub unknown: u64,
}

impl Histogram {
    /// How often a value was met that is known.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.count).sum()
    }

    /// The bucket below whose greatest value this share of the known values lies.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share needs no more than 52 bits, and none is negative"
    )]
    pub fn quantile(&self, share: f64) -> Option<Bucket> {
        let rank = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        let filled = self.buckets.iter().filter(|bucket| bucket.count > 0);
        filled.copied().find(|bucket| {
            seen += bucket.count;
            seen >= rank
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_first_bucket_that_reaches_its_share() {
        let bucket = |from, to, count| Bucket { from, to, count };
        let histogram = Histogram {
            kind: HistogramKind::PacketSize,
            buckets: vec![bucket(28, 31, 98), bucket(32, 39, 0), bucket(40, 47, 2)],
            unknown: 7,
        };
        let at = |share| histogram.quantile(share).map(|bucket| bucket.to);
        assert_eq!(at(0.5), Some(31));
        assert_eq!(at(0.98), Some(31));
        assert_eq!(at(0.99), Some(47));
        assert_eq!(at(1.0), Some(47));
        let empty = Histogram {
            buckets: Vec::new(),
            ..histogram
        };
        assert_eq!(empty.quantile(0.5), None);
    }
}
