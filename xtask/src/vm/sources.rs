//! Where this machine gets Debian from, by its own apt sources.

use std::{fs, path::PathBuf};

use anyhow::{Result, bail};

/// A Debian archive and the keyring that verifies it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Mirror {
    uri: String,
    signed_by: Option<String>,
}

impl Mirror {
    /// The first Debian archive among this machine's apt sources.
    pub(crate) fn of_this_machine() -> Result<Self> {
        let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
        if let Ok(directory) = fs::read_dir("/etc/apt/sources.list.d") {
            files.extend(directory.filter_map(|entry| Some(entry.ok()?.path())));
        }
        files.sort();
        for file in files {
            let Ok(text) = fs::read_to_string(&file) else {
                continue;
            };
            let found = match file.extension().and_then(|extension| extension.to_str()) {
                Some("sources") => from_stanzas(&text),
                Some("list") => from_lines(&text),
                _ => None,
            };
            if let Some(mirror) = found {
                return Ok(mirror);
            }
        }
        bail!(
            "no Debian archive among this machine's apt sources (/etc/apt): the kernel matrix \
             takes its kernels from one; add an entry for `main`"
        );
    }

    /// One line of a sources.list for `suite`.
    pub(crate) fn line(&self, suite: &str) -> String {
        let Self { uri, signed_by } = self;
        let keyring = match signed_by {
            Some(keyring) => format!(" signed-by={keyring}"),
            None => String::new(),
        };
        format!("deb [arch=amd64{keyring}] {uri} {suite} main\n")
    }
}

/// Whether an entry is Debian's archive itself: not its security, updates or another vendor.
fn is_archive(uri: &str, suites: &[&str], components: &[&str]) -> bool {
    uri.trim_end_matches('/').ends_with("/debian")
        && components.contains(&"main")
        && suites.iter().any(|suite| !suite.contains('-'))
}

/// Reads the deb822 format: stanzas of `Field: value` lines.
fn from_stanzas(text: &str) -> Option<Mirror> {
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| [line, "\n"])
        .collect();
    text.split("\n\n").find_map(|stanza| {
        let field = |name: &str| {
            stanza.lines().find_map(|line| {
                let (field, value) = line.split_once(':')?;
                field.eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        let words = |name| -> Vec<&str> { field(name).unwrap_or("").split_whitespace().collect() };
        if !words("Types").contains(&"deb")
            || field("Enabled").is_some_and(|it| it.eq_ignore_ascii_case("no"))
        {
            return None;
        }
        let suites = words("Suites");
        let components = words("Components");
        let uri = words("URIs")
            .into_iter()
            .find(|uri| is_archive(uri, &suites, &components))?;
        Some(Mirror {
            uri: uri.to_owned(),
            signed_by: field("Signed-By")
                .filter(|keyring| keyring.starts_with('/'))
                .map(str::to_owned),
        })
    })
}

/// Reads the one-line format: `deb [options] URI suite components`.
fn from_lines(text: &str) -> Option<Mirror> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let mut words = rest.split_whitespace();
        let uri = words.next()?;
        let suite = words.next()?;
        let components: Vec<_> = words.collect();
        is_archive(uri, &[suite], &components).then(|| Mirror {
            uri: uri.to_owned(),
            signed_by: options
                .split_whitespace()
                .find_map(|option| option.strip_prefix("signed-by="))
                .map(str::to_owned),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror(uri: &str, signed_by: Option<&str>) -> Mirror {
        Mirror {
            uri: uri.to_owned(),
            signed_by: signed_by.map(str::to_owned),
        }
    }

    #[test]
    fn stanzas_give_the_archive_and_its_keyring() {
        let text = "\
Types: deb
URIs: http://mirror.test/debian-security
Suites: stable-security
Components: main

Types: deb deb-src
# a comment
URIs: http://mirror.test/debian
Suites: stable stable-updates
Components: main contrib
Signed-By: /keys/debian.gpg
";
        assert_eq!(
            from_stanzas(text),
            Some(mirror(
                "http://mirror.test/debian",
                Some("/keys/debian.gpg")
            ))
        );
    }

    #[test]
    fn a_disabled_stanza_is_passed_over() {
        let text = "Types: deb\nURIs: http://mirror.test/debian\nSuites: stable\nComponents: main\nEnabled: no\n";
        assert_eq!(from_stanzas(text), None);
    }

    #[test]
    fn lines_give_the_archive_and_its_keyring() {
        let text = "\
# deb http://old.test/debian stable main
deb-src http://mirror.test/debian stable main
deb http://mirror.test/debian stable-updates main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian/ stable main contrib
";
        assert_eq!(
            from_lines(text),
            Some(mirror("http://mirror.test/debian/", Some("/k.gpg")))
        );
    }

    #[test]
    fn another_vendor_is_no_debian_archive() {
        assert_eq!(from_lines("deb http://tools.test/apt stable main"), None);
        assert_eq!(from_lines("deb http://x.test/debian stable contrib"), None);
    }

    #[test]
    fn a_line_names_the_keyring() {
        assert_eq!(
            mirror("http://m.test/debian", Some("/k.gpg")).line("sid"),
            "deb [arch=amd64 signed-by=/k.gpg] http://m.test/debian sid main\n"
        );
    }
}
