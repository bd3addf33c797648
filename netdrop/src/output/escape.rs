//! Names that come from the kernel or from other users must not steer a
//! terminal.

use std::{borrow::Cow, fmt::Write as _};

/// Could this character move the cursor, hide or reorder text?
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text with such characters written as `\x1b` or `\u{202e}`.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        let code = u32::from(character);
        // Writing to a string cannot fail.
        let _ = if !is_unsafe(character) {
            out.write_char(character)
        } else if code <= 0xff {
            write!(out, "\\x{code:02x}")
        } else {
            write!(out, "\\u{{{code:x}}}")
        };
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(escape("eth0"), "eth0");
        assert_eq!(escape("größe"), "größe");
        assert_eq!(escape("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
        assert_eq!(escape("x\u{9b}2J\u{202e}y"), "x\\x9b2J\\u{202e}y");
    }
}
