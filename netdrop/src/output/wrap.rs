//! Lines that are longer than the terminal is wide.

use std::fmt::Write as _;

use textwrap::{Options, WordSeparator, WordSplitter, core::display_width};

use super::table::shorten;

/// Before what continues a line.
pub(super) const INDENT: &str = "    ";

/// Appends text, lines that are too long in several; without a width as it is. What
/// is shown to be copied stays whole: commands.
pub(super) fn wrap(out: &mut String, text: &str, width: Option<usize>) {
    let Some(width) = width else {
        out.push_str(text);
        return;
    };
    let options = Options::new(width)
        .subsequent_indent(INDENT)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    for line in text.lines() {
        if display_width(line) <= width || line.trim_start().starts_with("$ ") {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        for part in textwrap::wrap(line, &options) {
            let _ = writeln!(out, "{}", fitting(&part, width));
        }
    }
}

/// Words that have no room even in a line of their own lose their middle.
fn fitting(line: &str, width: usize) -> String {
    // Where one begins with an escape sequence, it is not to be cut.
    if display_width(line) <= width || line.contains('\x1b') {
        return line.to_owned();
    }
    let start: String = line.chars().take_while(|c| *c == ' ').collect();
    let room = width.saturating_sub(start.len());
    let words = line.split_whitespace().map(|word| shorten(word, room));
    start + &words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: Option<usize>) -> String {
        let mut out = String::new();
        wrap(&mut out, text, width);
        out
    }

    #[test]
    fn a_long_line_goes_on_below_and_commands_stay_whole() {
        let text = "  one two three four\n    $ cat /proc/net/softnet_stat\n";
        assert_eq!(wrapped(text, None), text);
        assert_eq!(
            wrapped(text, Some(14)),
            "  one two\n    three four\n    $ cat /proc/net/softnet_stat\n"
        );
    }

    #[test]
    fn a_word_without_room_loses_its_middle() {
        let address = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
        let text = wrapped(&format!("from {address}\n"), Some(30));
        assert_eq!(text, "from\n    [2001:db8:111…:6666]:65535\n");
    }
}
