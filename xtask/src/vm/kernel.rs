//! The kernels of the matrix, and which of the mirror's packages each one is today.

use std::cmp::Ordering;

use anyhow::{Result, bail};

/// One kernel of the matrix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Kernel {
    /// How it is called on the command line and in results.
    pub(crate) name: &'static str,
    /// The Debian suite that carries it.
    pub(crate) suite: &'static str,
    /// What its version starts with.
    series: &'static str,
}

const MATRIX: [Kernel; 4] = [
    Kernel {
        name: "5.10",
        suite: "bullseye",
        series: "5.10.",
    },
    Kernel {
        name: "6.1",
        suite: "bookworm",
        series: "6.1.",
    },
    Kernel {
        name: "6.12",
        suite: "trixie",
        series: "6.12.",
    },
    Kernel {
        name: "7.x",
        suite: "sid",
        series: "7.",
    },
];

/// A kernel's packages on the mirror.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Packages {
    /// The kernel's release, as `uname -r` prints it.
    pub(crate) version: String,
    /// The packages that hold its image and its modules.
    pub(crate) names: Vec<String>,
}

impl Kernel {
    /// The kernels called `names`; all of them when none is named.
    pub(crate) fn select(names: &[String]) -> Result<Vec<Self>> {
        if names.is_empty() {
            return Ok(MATRIX.to_vec());
        }
        let mut kernels: Vec<Self> = Vec::new();
        for name in names {
            let Some(kernel) = MATRIX.into_iter().find(|kernel| kernel.name == name) else {
                bail!(
                    "no kernel `{name}` in the matrix; there are {}",
                    MATRIX.map(|kernel| kernel.name).join(", ")
                );
            };
            if !kernels.contains(&kernel) {
                kernels.push(kernel);
            }
        }
        Ok(kernels)
    }

    /// The newest cloud kernel of this series among all package names of the mirror.
    ///
    /// Until 7.x one package holds everything, from then on `linux-image` is empty and depends on
    /// `linux-binary` and `linux-modules`.
    pub(crate) fn packages(&self, available: &str) -> Option<Packages> {
        let version = available
            .lines()
            .filter_map(|name| {
                name.strip_prefix("linux-image-")?
                    .strip_suffix("-cloud-amd64")
            })
            .filter(|version| version.starts_with(self.series))
            .max_by(|a, b| compare(a, b))?;
        let version = format!("{version}-cloud-amd64");
        let split = format!("linux-binary-{version}");
        let names = if available.lines().any(|name| name == split) {
            vec![split, format!("linux-modules-{version}")]
        } else {
            vec![format!("linux-image-{version}")]
        };
        Some(Packages { version, names })
    }
}

/// Compares by the numbers in two versions, one after the other.
fn compare(a: &str, b: &str) -> Ordering {
    numbers(a).cmp(numbers(b))
}

fn numbers(version: &str) -> impl Iterator<Item = u64> {
    version
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AVAILABLE: &str = "\
linux-image-5.10.0-9-cloud-amd64
linux-image-5.10.0-32-cloud-amd64
linux-image-5.10.0-32-cloud-amd64-dbg
linux-image-6.1.0-50-cloud-amd64-unsigned
linux-image-6.1.0-50-cloud-amd64
linux-image-6.12.94+deb13-cloud-amd64
linux-image-6.12.107+deb13-cloud-amd64
linux-image-7.2.13+deb14-cloud-amd64
linux-binary-7.2.13+deb14-cloud-amd64
linux-headers-7.9.0-cloud-amd64
linux-image-cloud-amd64
";

    fn packages(name: &str) -> Packages {
        let kernels = Kernel::select(&[name.to_owned()]).unwrap();
        kernels[0].packages(AVAILABLE).unwrap()
    }

    #[test]
    fn the_newest_of_a_series_is_taken_by_number() {
        assert_eq!(packages("5.10").version, "5.10.0-32-cloud-amd64");
        assert_eq!(packages("6.12").version, "6.12.107+deb13-cloud-amd64");
    }

    #[test]
    fn a_series_does_not_match_a_longer_one() {
        assert_eq!(
            packages("6.1").names,
            ["linux-image-6.1.0-50-cloud-amd64".to_owned()]
        );
    }

    #[test]
    fn a_split_kernel_is_two_packages() {
        assert_eq!(
            packages("7.x").names,
            [
                "linux-binary-7.2.13+deb14-cloud-amd64".to_owned(),
                "linux-modules-7.2.13+deb14-cloud-amd64".to_owned()
            ]
        );
    }

    #[test]
    fn a_mirror_without_the_series_has_no_packages() {
        assert_eq!(MATRIX[0].packages("linux-image-6.1.0-50-cloud-amd64"), None);
    }

    #[test]
    fn an_unknown_kernel_is_refused_with_the_known_ones() {
        let error = Kernel::select(&["4.19".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("5.10, 6.1, 6.12, 7.x"));
    }
}
