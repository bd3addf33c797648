//! A name with `*` for any characters, upper and lower case alike.

use std::fmt;

/// What names are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern as it is written.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Does this name match?
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut at, mut seen) = (0, 0);
        // Where to go on when the last `*` has to take one byte more.
        let mut retry = None;
        while seen < name.len() {
            if pattern.get(at) == Some(&b'*') {
                retry = Some((at + 1, seen));
                at += 1;
            } else if pattern
                .get(at)
                .is_some_and(|wanted| wanted.eq_ignore_ascii_case(&name[seen]))
            {
                at += 1;
                seen += 1;
            } else if let Some((after, taken)) = retry {
                at = after;
                seen = taken + 1;
                retry = Some((after, taken + 1));
            } else {
                return false;
            }
        }
        pattern[at..].iter().all(|&byte| byte == b'*')
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_star_stands_for_any_characters_and_case_does_not_matter() {
        for (pattern, name) in [
            ("no_socket", "NO_SOCKET"),
            ("TCP_*", "TCP_OFOMERGE"),
            ("*_rcv", "__udp4_lib_rcv"),
            ("*lib*cv", "__udp4_lib_rcv"),
            ("*", ""),
            ("a*b*c", "aXbXbc"),
        ] {
            assert!(Pattern::new(pattern).matches(name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("TCP", "TCP_OFOMERGE"),
            ("TCP_*", "UDP_CSUM"),
            ("a*b", "ac"),
            ("", "x"),
        ] {
            assert!(!Pattern::new(pattern).matches(name), "{pattern} {name}");
        }
    }
}
