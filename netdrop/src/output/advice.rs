//! What drops mean and what to run next, below a table or a line.

use std::fmt::Write as _;

use textwrap::{Options, WordSeparator, WordSplitter};

use super::{escape::escape, text::Layout};
use crate::drops::advice::Advice;

/// Where there is no terminal.
const USUAL: usize = 80;
/// Lines longer than this are hard to read, however wide the terminal is.
const WIDEST: usize = 100;
/// Narrower than this, text is cut apart.
const NARROWEST: usize = 32;

/// Appends advice.
pub fn write(out: &mut String, advice: &Advice, layout: Layout) {
    let Advice {
        reason,
        stage,
        severity,
        meaning,
        note,
        caution,
        commands,
    } = advice;
    let Layout { width, palette } = layout;
    let heading = match reason {
        Some(reason) => format!("{} in {stage}", escape(reason)),
        None => format!("no reason given, in {stage}"),
    };
    let _ = writeln!(
        out,
        "  {} ({})",
        palette.bold(&heading),
        palette.severity(*severity, severity.as_str())
    );
    let mut wrapped = |text: &str| {
        let options = Options::new(width.unwrap_or(USUAL).clamp(NARROWEST, WIDEST))
            .initial_indent("    ")
            .subsequent_indent("    ")
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(false);
        for line in textwrap::wrap(text, options) {
            let _ = writeln!(out, "{line}");
        }
    };
    wrapped(meaning);
    if let Some(note) = note {
        wrapped(&format!("In this function: {note}"));
    }
    if let Some(caution) = caution {
        wrapped(&format!("Note: {caution}"));
    }
    for command in commands {
        let _ = writeln!(out, "    $ {}", escape(command));
    }
}

#[cfg(test)]
mod tests {
    use super::{Advice, Layout, write};
    use crate::drops::severity::Severity;

    #[test]
    fn commands_stay_whole_and_names_do_not_steer_the_terminal() {
        let advice = Advice {
            reason: Some("NO_SOCKET".to_owned()),
            stage: "rx_lookup".to_owned(),
            severity: Severity::Suspicious,
            meaning: "Nothing is listening at this address and port.",
            note: Some("a closed port"),
            caution: None,
            commands: vec!["ip -s link show dev 'a\x1bb' and something longer".to_owned()],
        };
        let mut out = String::new();
        let layout = Layout {
            width: Some(36),
            ..Layout::default()
        };
        write(&mut out, &advice, layout);
        assert_eq!(
            out,
            "  NO_SOCKET in rx_lookup (suspicious)
    Nothing is listening at this
    address and port.
    In this function: a closed port
    $ ip -s link show dev 'a\\x1bb' and something longer
"
        );
    }
}
