//! The first rows of many, in the order they are shown: by drops (or first by
//! harm) descending, then by keys, numbers by value, text by bytes, null last.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
    hash::BuildHasher,
    io::Write as _,
    net::IpAddr,
};

use super::{
    group::Group,
    intern::{Interner, Name},
    key::{By, Key},
    sums::Sums,
};

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Most drops.
    #[default]
    Drops,
    /// Most retransmissions and resets, then most drops.
    Hurt,
}

struct Candidate<'a> {
    group: &'a Group,
    sums: &'a Sums,
    sort: Sort,
    by: &'a By,
    interner: &'a Interner,
}

impl Ord for Candidate<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let harm = match self.sort {
            Sort::Drops => Ordering::Equal,
            Sort::Hurt => other.sums.harm.sum().cmp(&self.sums.harm.sum()),
        };
        let more = harm.then_with(|| other.sums.drops().cmp(&self.sums.drops()));
        self.by
            .keys()
            .iter()
            .fold(more, |so_far, key| {
                so_far.then_with(|| compare(*key, self.group, other.group, self.interner))
            })
            .then_with(|| self.group.address.cmp(&other.group.address))
    }
}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate<'_> {}

/// The first `most` groups in order, and the sum of the others.
#[must_use]
pub fn first<'a, S: BuildHasher>(
    groups: &'a HashMap<Group, Sums, S>,
    most: usize,
    sort: Sort,
    by: &'a By,
    interner: &'a Interner,
) -> (Vec<(&'a Group, &'a Sums)>, Sums) {
    let mut rest = Sums::default();
    let mut heap = BinaryHeap::with_capacity(most.min(groups.len()) + 1);
    for (group, sums) in groups {
        heap.push(Candidate {
            group,
            sums,
            sort,
            by,
            interner,
        });
        if heap.len() > most
            && let Some(last) = heap.pop()
        {
            rest += last.sums;
        }
    }
    let first = heap
        .into_sorted_vec()
        .into_iter()
        .map(|candidate| (candidate.group, candidate.sums))
        .collect();
    (first, rest)
}

fn compare(key: Key, a: &Group, b: &Group, interner: &Interner) -> Ordering {
    let text = |a: Option<Name>, b: Option<Name>| {
        null_last(a, b, |a, b| interner.text(a).cmp(interner.text(b)))
    };
    match key {
        Key::Stage => text(a.stage, b.stage)
            .then_with(|| text(a.hook, b.hook))
            .then_with(|| text(a.engine, b.engine))
            .then_with(|| text(a.qdisc, b.qdisc)),
        Key::Reason => text(a.reason, b.reason),
        Key::Function => text(a.function, b.function),
        Key::Device => {
            text(a.device, b.device).then_with(|| null_last(a.ifindex, b.ifindex, |a, b| a.cmp(&b)))
        }
        Key::Netns => null_last(a.netns, b.netns, |a, b| a.cmp(&b)),
        Key::Cpu => null_last(a.cpu, b.cpu, |a, b| a.cmp(&b)),
        Key::Protocol => text(a.protocol, b.protocol),
        Key::Src => null_last(a.src, b.src, by_text),
        Key::SrcPort => null_last(a.src_port, b.src_port, |a, b| a.cmp(&b)),
        Key::Dst => null_last(a.dst, b.dst, by_text),
        Key::DstPort => null_last(a.dst_port, b.dst_port, |a, b| a.cmp(&b)),
        Key::Direction => text(a.direction, b.direction),
        Key::Stack => text(a.stack, b.stack),
        Key::Severity => null_last(a.severity, b.severity, |a, b| a.as_str().cmp(b.as_str())),
    }
}

fn null_last<T>(a: Option<T>, b: Option<T>, order: impl FnOnce(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => order(a, b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

fn by_text(a: IpAddr, b: IpAddr) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (left, right) = (Text::of(a), Text::of(b));
    left.written().cmp(right.written())
}

/// The text of an address, without an allocation for each comparison.
struct Text {
    bytes: [u8; LONGEST_ADDRESS],
    len: usize,
}

/// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`
const LONGEST_ADDRESS: usize = 45;

impl Text {
    fn of(address: IpAddr) -> Self {
        let mut bytes = [0; LONGEST_ADDRESS];
        let mut free = &mut bytes[..];
        // An address always fits.
        let _ = write!(free, "{address}");
        let len = LONGEST_ADDRESS - free.len();
        Self { bytes, len }
    }

    fn written(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
