//! What is added up for a row.

use netdrop_ebpf::area::Weights;

use super::{
    harm::Harm,
    names::{Evidence, Severity},
};

/// Drops by severity, with their packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Wire packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Harmful drops.
    pub harmful: u64,
    /// Suspicious drops.
    pub suspicious: u64,
    /// Benign drops.
    pub benign: u64,
    /// What told their stages: the least certain. `None` without a site.
    pub by: Option<Evidence>,
    /// What they did to their TCP flows.
    pub harm: Harm,
}

impl Sums {
    /// The sums of drops that share a severity.
    #[must_use]
    pub fn of(severity: Severity, by: Option<Evidence>, weights: &Weights) -> Self {
        let mut sums = Self {
            by,
            packets: weights.packets,
            bytes: weights.bytes,
            ..Self::default()
        };
        match severity {
            Severity::Benign => sums.benign = weights.drops,
            Severity::Suspicious => sums.suspicious = weights.drops,
            Severity::Harmful => sums.harmful = weights.drops,
        }
        sums
    }

    /// All drops.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.harmful + self.suspicious + self.benign
    }

    /// The worst severity present.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        if self.harmful > 0 {
            Some(Severity::Harmful)
        } else if self.suspicious > 0 {
            Some(Severity::Suspicious)
        } else if self.benign > 0 {
            Some(Severity::Benign)
        } else {
            None
        }
    }
}

impl std::ops::AddAssign<&Self> for Sums {
    fn add_assign(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.harmful += other.harmful;
        self.suspicious += other.suspicious;
        self.benign += other.benign;
        self.by = self.by.max(other.by);
        self.harm += &other.harm;
    }
}

/// Weights apart by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BySeverity {
    /// Indexed by [`Severity`], benign first.
    weights: [Weights; 3],
}

impl BySeverity {
    /// Adds drops of one severity.
    pub fn add(&mut self, severity: Severity, added: &Weights) {
        let weights = &mut self.weights[severity as usize];
        weights.drops += added.drops;
        weights.packets += added.packets;
        weights.bytes += added.bytes;
    }

    /// The weights of one severity.
    #[must_use]
    pub fn get(&self, severity: Severity) -> &Weights {
        &self.weights[severity as usize]
    }

    /// What is left of `whole` after `part`, of which `left` is the exact sum
    /// over all severities. Where the severities do not add up to it, because
    /// some drops have no site, the difference is suspicious.
    #[must_use]
    pub fn remainder(whole: &Self, part: &Self, left: &Weights) -> Self {
        let column = |of: fn(&Weights) -> u64| {
            let each = [0, 1, 2].map(|severity| {
                of(&whole.weights[severity]).saturating_sub(of(&part.weights[severity]))
            });
            settle(each, of(left))
        };
        let drops = column(|weights| weights.drops);
        let packets = column(|weights| weights.packets);
        let bytes = column(|weights| weights.bytes);
        Self {
            weights: [0, 1, 2].map(|severity| Weights {
                drops: drops[severity],
                packets: packets[severity],
                bytes: bytes[severity],
            }),
        }
    }
}

/// Changes as little as possible, suspicious first, to make a sum come true.
fn settle(mut each: [u64; 3], total: u64) -> [u64; 3] {
    const ORDER: [Severity; 3] = [Severity::Suspicious, Severity::Benign, Severity::Harmful];
    let sum: u64 = each.iter().sum();
    each[Severity::Suspicious as usize] += total.saturating_sub(sum);
    let mut excess = sum.saturating_sub(total);
    for severity in ORDER {
        let taken = excess.min(each[severity as usize]);
        each[severity as usize] -= taken;
        excess -= taken;
    }
    each
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remainder_always_adds_up() {
        assert_eq!(settle([1, 2, 3], 6), [1, 2, 3]);
        assert_eq!(settle([1, 2, 3], 10), [1, 6, 3]);
        assert_eq!(settle([1, 2, 3], 3), [0, 0, 3]);
        assert_eq!(settle([1, 2, 3], 0), [0, 0, 0]);
    }

    #[test]
    fn the_worst_severity_present_is_told() {
        let mut sums = Sums::default();
        assert_eq!(sums.worst(), None);
        sums.benign = 5;
        assert_eq!(sums.worst(), Some(Severity::Benign));
        sums.harmful = 1;
        assert_eq!(sums.worst(), Some(Severity::Harmful));
    }
}
