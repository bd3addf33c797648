//! Severities that the user gives reasons and functions, from a TOML file:
//!
//! ```toml
//! [reasons]
//! NO_SOCKET = "benign"
//!
//! [functions]
//! ip6_mc_input = "suspicious"
//! ```
//!
//! A function says more than a reason: where both are given, it wins. Either
//! wins over the catalogue.

use std::{collections::BTreeMap, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{catalogue, nearest::nearest, severity::Severity};
use crate::kernel::symbols::plain_name;

const REASONS: &str = "reasons";
const FUNCTIONS: &str = "functions";

/// What the kernel puts in front of names, which may be left out.
const PREFIX: &str = "SKB_DROP_REASON_";

/// Severities by reason and by function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reclassified {
    reasons: BTreeMap<String, Severity>,
    functions: BTreeMap<String, Severity>,
}

/// What is wrong with such a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {what}")]
pub struct ReclassifiedError {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong, what was expected, and what was probably meant.
    pub what: String,
}

impl Reclassified {
    /// Reads such a file. A reason that the catalogue lacks must be one of the
    /// kernel's, which are asked for only then.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn parse(
        text: &str,
        kernel: impl FnOnce() -> Vec<String>,
    ) -> Result<Self, ReclassifiedError> {
        let reader = Reader { text };
        let file = DeTable::parse(text)
            .map_err(|error| reader.wrong(&error.span().unwrap_or_default(), error.message()))?;
        let mut reclassified = Self::default();
        let mut unknown = Vec::new();
        for (name, table) in file.get_ref() {
            let table_of = match name.get_ref().as_ref() {
                REASONS => &mut reclassified.reasons,
                FUNCTIONS => &mut reclassified.functions,
                other => {
                    let expected = [REASONS, FUNCTIONS];
                    return Err(reader.unknown(&name.span(), "table", other, &expected));
                }
            };
            let is_reason = name.get_ref() == REASONS;
            let DeValue::Table(rows) = table.get_ref() else {
                let what = format!("{} is no table, expected [{0}]", name.get_ref());
                return Err(reader.wrong(&table.span(), &what));
            };
            for (name, severity) in rows {
                let plain = if is_reason {
                    name.get_ref()
                        .strip_prefix(PREFIX)
                        .unwrap_or(name.get_ref())
                } else {
                    plain_name(name.get_ref())
                };
                if is_reason && catalogue::reason(plain).is_none() {
                    unknown.push((plain.to_owned(), name.span()));
                }
                let severity = reader.severity(severity)?;
                if table_of.insert(plain.to_owned(), severity).is_some() {
                    let what = format!("{plain} stands twice");
                    return Err(reader.wrong(&name.span(), &what));
                }
            }
        }
        if !unknown.is_empty() {
            reader.known_to_kernel(unknown, &kernel())?;
        }
        Ok(reclassified)
    }

    /// The severity that the user gives a drop; `None` where the catalogue's
    /// stands. `reason` is without `SKB_DROP_REASON_`, `function` may carry the
    /// compiler's suffixes.
    #[must_use]
    pub fn severity(&self, reason: Option<&str>, function: Option<&str>) -> Option<Severity> {
        let Self { reasons, functions } = self;
        if let Some(severity) = function.and_then(|name| functions.get(plain_name(name))) {
            return Some(*severity);
        }
        let reason = reason?;
        // What the catalogue knows under a common name can be given under it.
        reasons
            .get(reason)
            .or_else(|| reasons.get(catalogue::reason(reason)?.name))
            .copied()
    }

    /// How many reasons are given a severity.
    #[must_use]
    pub fn reasons(&self) -> usize {
        self.reasons.len()
    }

    /// The functions that are given a severity.
    pub fn functions(&self) -> impl ExactSizeIterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }
}

/// The text, to tell places in it.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn severity(&self, value: &Spanned<DeValue<'_>>) -> Result<Severity, ReclassifiedError> {
        let words = Severity::ALL.map(Severity::as_str);
        let DeValue::String(word) = value.get_ref() else {
            let what = format!("not a text, expected one of \"{}\"", words.join("\", \""));
            return Err(self.wrong(&value.span(), &what));
        };
        word.parse()
            .map_err(|_| self.unknown(&value.span(), "severity", word, &words))
    }

    fn known_to_kernel(
        &self,
        reasons: Vec<(String, Range<usize>)>,
        kernel: &[String],
    ) -> Result<(), ReclassifiedError> {
        for (reason, span) in reasons {
            if kernel.contains(&reason) {
                continue;
            }
            let known = catalogue::reasons()
                .map(|reason| reason.name)
                .chain(kernel.iter().map(String::as_str));
            let near = nearest(&reason, known);
            let what = format!(
                "unknown reason {reason:?}, expected one that the catalogue or this kernel knows{}",
                meant(&near)
            );
            return Err(self.wrong(&span, &what));
        }
        Ok(())
    }

    fn unknown(
        &self,
        span: &Range<usize>,
        kind: &str,
        word: &str,
        expected: &[&str],
    ) -> ReclassifiedError {
        let what = format!(
            "unknown {kind} {word:?}, expected {}{}",
            expected.join(" or "),
            meant(&nearest(word, expected.iter().copied()))
        );
        self.wrong(span, &what)
    }

    fn wrong(&self, span: &Range<usize>, what: &str) -> ReclassifiedError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        ReclassifiedError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what: what.replace('\n', ", "),
        }
    }
}

fn meant(near: &[&str]) -> String {
    match near {
        [first, ..] => format!(", did you mean \"{first}\"?"),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reclassified, Severity};

    fn parse(text: &str) -> Result<Reclassified, String> {
        Reclassified::parse(text, || vec!["BRAND_NEW".to_owned()])
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_function_wins_over_a_reason() {
        let given = parse(
            "[reasons]\nNO_SOCKET = \"benign\"\nSKB_DROP_REASON_IP_CSUM = \"suspicious\"\n\
             [functions]\n__udp4_lib_rcv = \"harmful\"\n",
        )
        .unwrap();
        let severity = |reason, function| given.severity(reason, function);
        assert_eq!(
            severity(Some("NO_SOCKET"), Some("__udp4_lib_rcv.isra.0")),
            Some(Severity::Harmful)
        );
        assert_eq!(
            severity(Some("NO_SOCKET"), Some("tcp_v4_rcv")),
            Some(Severity::Benign)
        );
        assert_eq!(severity(Some("IP_CSUM"), None), Some(Severity::Suspicious));
        assert_eq!(severity(None, Some("tcp_v4_rcv")), None);
        assert_eq!((given.reasons(), given.functions().len()), (2, 1));
    }

    #[test]
    fn a_reason_may_be_known_to_the_kernel_alone_or_stand_for_many() {
        let given = parse("reasons.BRAND_NEW = \"benign\"\nreasons.\"RX_DROP_U_*\" = \"benign\"");
        let given = given.unwrap();
        assert_eq!(
            given.severity(Some("BRAND_NEW"), None),
            Some(Severity::Benign)
        );
        assert_eq!(
            given.severity(Some("RX_DROP_U_NEWER_ONE"), None),
            Some(Severity::Benign)
        );
        assert_eq!(given.severity(Some("RX_DROP_U_DUP"), None), None);
    }

    #[test]
    fn nothing_given_changes_nothing() {
        assert_eq!(parse("").unwrap(), Reclassified::default());
        assert_eq!(parse("[reasons]\n").unwrap(), Reclassified::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_what_was_meant() {
        for (text, expected) in [
            (
                "[reasons]\nNO_SOCKT = \"benign\"",
                "2:1: unknown reason \"NO_SOCKT\", expected one that the catalogue or this kernel \
                 knows, did you mean \"NO_SOCKET\"?",
            ),
            (
                "[reasons]\nNO_SOCKET = \"bening\"",
                "2:13: unknown severity \"bening\", expected harmful or suspicious or benign, did \
                 you mean \"benign\"?",
            ),
            (
                "[reasons]\nNO_SOCKET = 1",
                "2:13: not a text, expected one of \"harmful\", \"suspicious\", \"benign\"",
            ),
            (
                "\n[reason]\nNO_SOCKET = \"benign\"",
                "2:2: unknown table \"reason\", expected reasons or functions, did you mean \
                 \"reasons\"?",
            ),
            (
                "reasons = 1",
                "1:11: reasons is no table, expected [reasons]",
            ),
            (
                "[reasons]\nNO_SOCKET = \"benign\"\nSKB_DROP_REASON_NO_SOCKET = \"benign\"",
                "3:1: NO_SOCKET stands twice",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn malformed_toml_is_told_with_its_place() {
        for (text, place) in [
            ("[reasons]\nNO_SOCKET = benign", "2:13: "),
            ("[reasons\n", "1:9: "),
            ("[reasons]\nNO_SOCKET \"benign\"", "2:11: "),
            ("[reasons]\nA = \"benign\"\nA = \"benign\"", "3:1: "),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.starts_with(place), "{text}: {said}");
            assert!(!said.contains('\n'), "{said}");
        }
    }
}
