//! Commands with gaps such as `{device}`.
//!
//! The build checks the data files with this file, too: it stands alone.

/// Every gap there can be.
pub(crate) const GAPS: [&str; 8] = [
    "device", "src", "dst", "src_port", "dst_port", "protocol", "netns", "function",
];

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// `{word}` that is one of [`GAPS`].
    Gap(&'a str),
    /// `{word}` that is none.
    Unknown(&'a str),
}

/// The pieces of a template. Other braces than those of a word are text, since
/// commands have them.
pub(crate) fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if let Some((word, after)) = gap(rest) {
            rest = after;
            return Some(if GAPS.contains(&word) {
                Piece::Gap(word)
            } else {
                Piece::Unknown(word)
            });
        }
        let end = rest
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| gap(&rest[*at..]).is_some())
            .unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        rest = after;
        (!text.is_empty()).then_some(Piece::Text(text))
    })
}

/// The gap that a text begins with, and what follows it.
fn gap(text: &str) -> Option<(&str, &str)> {
    let (word, after) = text.strip_prefix('{')?.split_once('}')?;
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (!word.is_empty() && word.bytes().all(is_word)).then_some((word, after))
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn words_in_braces_are_gaps_and_other_braces_are_text() {
        let found: Vec<_> = pieces("tc -s qdisc show dev {device}").collect();
        assert_eq!(
            found,
            [Piece::Text("tc -s qdisc show dev "), Piece::Gap("device")]
        );
        let command = "awk '{print $1}' {a; {}";
        assert_eq!(pieces(command).collect::<Vec<_>>(), [Piece::Text(command)]);
        assert_eq!(
            pieces("{src}{dst_port}é{dev}").collect::<Vec<_>>(),
            [
                Piece::Gap("src"),
                Piece::Gap("dst_port"),
                Piece::Text("é"),
                Piece::Unknown("dev")
            ]
        );
    }
}
