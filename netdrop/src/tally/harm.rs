//! What drops did to the TCP flows of a row.

use netdrop_ebpf::hurt::{Consequence, Followed};

/// Which ends of a flow live in the namespace in which its packets died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    /// None: the packets were on their way through.
    Neither,
    /// The sender.
    Src,
    /// The receiver.
    Dst,
    /// Both.
    Both,
}

impl Here {
    /// From each end's answer.
    #[must_use]
    pub fn of(src: bool, dst: bool) -> Self {
        match (src, dst) {
            (false, false) => Self::Neither,
            (true, false) => Self::Src,
            (false, true) => Self::Dst,
            (true, true) => Self::Both,
        }
    }

    /// The word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Neither => "none",
            Self::Src => "src",
            Self::Dst => "dst",
            Self::Both => "both",
        }
    }
}

/// The ends of the flows in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Homes {
    /// No TCP flow.
    #[default]
    None,
    /// The same for all.
    All(Here),
    /// Unknown, or not the same.
    Unknown,
}

/// Retransmissions and resets of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; 2]);

impl Counts {
    /// For tests.
    #[cfg(test)]
    pub(crate) fn of(retransmits: u64, resets: u64) -> Self {
        Self([retransmits, resets])
    }

    /// What grew from `before` to `now` and followed drops of these ends
    /// (first, second). Where `alone`, only one end is here, and each RST is
    /// either sent or received; otherwise the same RST may be both, and counts
    /// once.
    pub(super) fn grown(now: &Followed, before: &Followed, ends: [bool; 2], alone: bool) -> Self {
        let [first, second] = ends;
        let wanted = [first, second, first || second];
        let count = |of: &Followed, what: Consequence| -> u64 {
            let counts = of[what as usize].iter().zip(wanted);
            counts
                .filter_map(|(count, wanted)| wanted.then_some(u64::from(*count)))
                .sum()
        };
        let resets = |of: &Followed| {
            let sent = count(of, Consequence::ResetSent);
            let received = count(of, Consequence::ResetReceived);
            if alone {
                sent + received
            } else {
                sent.max(received)
            }
        };
        let retransmits = |of: &Followed| count(of, Consequence::Retransmit);
        Self([
            retransmits(now).saturating_sub(retransmits(before)),
            resets(now).saturating_sub(resets(before)),
        ])
    }

    pub(super) fn less(self, other: Self) -> Self {
        Self([0, 1].map(|what| self.0[what].saturating_sub(other.0[what])))
    }

    pub(super) fn is_zero(self) -> bool {
        self.0 == [0, 0]
    }
}

/// Retransmissions and resets that followed drops, and how much of them could
/// be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Harm {
    counts: Counts,
    homes: Homes,
    /// More retransmissions than those counted are possible.
    more_retransmits: bool,
    /// More resets than those counted are possible.
    more_resets: bool,
}

impl Harm {
    /// A TCP flow, of whose retransmissions and resets all are seen or not.
    #[must_use]
    pub fn of_flow(here: Option<Here>, sees_retransmits: bool, sees_resets: bool) -> Self {
        Self {
            counts: Counts::default(),
            homes: here.map_or(Homes::Unknown, Homes::All),
            more_retransmits: !sees_retransmits || !matches!(here, Some(Here::Src | Here::Both)),
            more_resets: !sees_resets || matches!(here, None | Some(Here::Neither)),
        }
    }

    /// Adds what followed.
    pub(crate) fn credit(&mut self, counts: Counts) {
        for what in 0..2 {
            self.counts.0[what] += counts.0[what];
        }
    }

    /// Retransmissions; `None` where none was seen and some may have been
    /// elsewhere, and where no flow is TCP's.
    #[must_use]
    pub fn retransmits(&self) -> Option<u64> {
        let Counts([retransmits, _]) = self.counts;
        self.known(retransmits, self.more_retransmits)
    }

    /// Resets, likewise.
    #[must_use]
    pub fn resets(&self) -> Option<u64> {
        let Counts([_, resets]) = self.counts;
        self.known(resets, self.more_resets)
    }

    /// Which ends of its flows live where the packets died, if it is the same
    /// for all.
    #[must_use]
    pub fn here(&self) -> Option<Here> {
        match self.homes {
            Homes::All(here) => Some(here),
            Homes::None | Homes::Unknown => None,
        }
    }

    /// All consequences seen.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.counts.0.iter().sum()
    }

    /// May there be retransmissions that cannot be seen?
    #[must_use]
    pub fn is_half_seen(&self) -> bool {
        self.homes != Homes::None && self.more_retransmits
    }

    fn known(&self, count: u64, more: bool) -> Option<u64> {
        (self.homes != Homes::None && (count > 0 || !more)).then_some(count)
    }
}

impl std::ops::AddAssign<&Self> for Harm {
    fn add_assign(&mut self, other: &Self) {
        self.credit(other.counts);
        self.more_retransmits |= other.more_retransmits;
        self.more_resets |= other.more_resets;
        self.homes = match (self.homes, other.homes) {
            (Homes::None, homes) | (homes, Homes::None) => homes,
            (one, other) if one == other => one,
            _ => Homes::Unknown,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hurt(here: Option<Here>, retransmits: u64, resets: u64) -> Harm {
        let mut harm = Harm::of_flow(here, true, true);
        harm.credit(Counts([retransmits, resets]));
        harm
    }

    #[test]
    fn zero_is_said_only_where_it_is_known() {
        let seen = |here| {
            let harm = hurt(here, 0, 0);
            (harm.retransmits(), harm.resets())
        };
        assert_eq!(seen(Some(Here::Both)), (Some(0), Some(0)));
        assert_eq!(seen(Some(Here::Src)), (Some(0), Some(0)));
        assert_eq!(seen(Some(Here::Dst)), (None, Some(0)));
        assert_eq!(seen(Some(Here::Neither)), (None, None));
        assert_eq!(seen(None), (None, None));
        let blind = Harm::of_flow(Some(Here::Both), false, false);
        assert_eq!((blind.retransmits(), blind.resets()), (None, None));
        let none = Harm::default();
        assert_eq!((none.retransmits(), none.resets()), (None, None));
    }

    #[test]
    fn what_was_seen_is_said_even_where_more_is_possible() {
        let harm = hurt(Some(Here::Dst), 3, 1);
        assert_eq!((harm.retransmits(), harm.resets()), (Some(3), Some(1)));
    }

    #[test]
    fn flows_that_differ_have_no_common_ends() {
        let mut row = Harm::default();
        row += &hurt(Some(Here::Src), 2, 0);
        row += &Harm::default();
        assert_eq!(row.here(), Some(Here::Src));
        row += &hurt(Some(Here::Dst), 0, 0);
        assert_eq!(row.here(), None);
        assert_eq!(row.retransmits(), Some(2));
        assert!(row.is_half_seen());
    }

    #[test]
    fn what_followed_drops_of_both_ends_counts_once() {
        let (now, before) = ([[5, 7, 2], [1, 0, 0], [0; 3]], [[4, 5, 1], [0; 3], [0; 3]]);
        let grown = |ends| Counts::grown(&now, &before, ends, true);
        assert_eq!(grown([true, false]), Counts([1 + 1, 1]));
        assert_eq!(grown([false, true]), Counts([2 + 1, 0]));
        assert_eq!(grown([true, true]), Counts([1 + 2 + 1, 1]));
        assert_eq!(
            grown([true, true]).less(grown([true, false])),
            Counts([2, 0])
        );
    }

    #[test]
    fn an_rst_that_is_sent_and_received_here_counts_once() {
        let (sent, both) = ([[0; 3], [2, 0, 0], [0; 3]], [[0; 3], [2, 0, 0], [2, 0, 0]]);
        let grown = |now, before, alone| Counts::grown(now, before, [true, false], alone);
        assert_eq!(grown(&both, &[[0; 3]; 3], false), Counts([0, 2]));
        assert_eq!(grown(&both, &sent, false), Counts([0, 0]));
        assert_eq!(grown(&both, &sent, true), Counts([0, 2]));
    }
}
