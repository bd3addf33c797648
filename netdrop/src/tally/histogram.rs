//! Histograms: how large, how old, how many at a time.

/// What is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HistogramKind {
    /// Bytes of each dropped skb, from the network header on.
    PacketSize,
    /// Nanoseconds from `netif_receive_skb` or `net_dev_queue` to the death.
    Age,
    /// Packets of each NAPI poll.
    NapiWork,
    /// Drops of each burst: drops on a CPU, each at most a millisecond after the
    /// one before.
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

    /// The kind of that name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
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
