//! Which reasons of a kernel the catalogue knows.

use super::catalogue;

/// The reasons of a kernel, held against the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Reasons that the kernel names.
    pub total: usize,
    /// Those that the catalogue lacks, by name.
    pub missing: Vec<String>,
}

impl Coverage {
    /// Looks up every name.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut coverage = Self::default();
        for name in names {
            coverage.total += 1;
            if catalogue::reason(name).is_none() {
                coverage.missing.push(name.to_owned());
            }
        }
        coverage.missing.sort_unstable();
        coverage
    }

    /// How many the catalogue knows.
    #[must_use]
    pub fn known(&self) -> usize {
        self.total - self.missing.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Coverage;

    #[test]
    fn what_the_catalogue_lacks_is_listed() {
        let names = ["NO_SOCKET", "ZZZ", "IP_CSUM", "AAA_NEW"];
        let coverage = Coverage::of(names.into_iter());
        assert_eq!(coverage.known(), 2);
        assert_eq!(coverage.missing, ["AAA_NEW", "ZZZ"]);
    }
}
