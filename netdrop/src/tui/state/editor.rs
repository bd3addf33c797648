//! A line of text that is being edited: the filter, or the name of a file.

use std::ops::Range;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Why a filter cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, and what to do instead.
    pub message: String,
    /// Where in the text, in bytes; `None` where it is no place.
    pub span: Option<Range<usize>>,
}

/// What a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    /// Something or nothing; editing goes on.
    On,
    /// The text is to be used.
    Done,
    /// The text is to be forgotten.
    Cancelled,
}

/// What the text is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Which drops to count.
    #[default]
    Filter,
    /// The file to record into.
    Recording,
}

/// The text, the place in it, and what was wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Editor {
    purpose: Purpose,
    text: String,
    at: usize,
    refusal: Option<Refusal>,
    asked: bool,
}

impl Editor {
    /// Edits a text, from its end.
    #[must_use]
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self {
            purpose,
            text: text.to_owned(),
            at: text.len(),
            refusal: None,
            asked: false,
        }
    }

    /// What the text is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Has somebody been asked whether this very text is meant?
    #[must_use]
    pub fn was_asked(&self) -> bool {
        self.asked
    }

    /// Asks whether this very text is meant.
    pub fn ask(&mut self, question: String) {
        self.refuse(Refusal {
            message: question,
            span: None,
        });
        self.asked = true;
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place, in bytes.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is wrong with the text.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Says what is wrong with the text, and goes to the place.
    pub fn refuse(&mut self, refusal: Refusal) {
        if let Some(span) = &refusal.span
            && self.text.is_char_boundary(span.start)
        {
            self.at = span.start;
        }
        self.refusal = Some(refusal);
    }

    /// Inserts pasted text.
    pub fn paste(&mut self, text: &str) {
        for character in text.chars() {
            self.insert(if character.is_control() {
                ' '
            } else {
                character
            });
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Edited {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Edited::Done,
            KeyCode::Esc => return Edited::Cancelled,
            KeyCode::Char('c') if control => return Edited::Cancelled,
            KeyCode::Char('a') if control => self.at = 0,
            KeyCode::Char('e') if control => self.at = self.text.len(),
            KeyCode::Char('u') if control => self.delete(0..self.at),
            KeyCode::Char('k') if control => self.delete(self.at..self.text.len()),
            KeyCode::Char('w') if control => self.delete(self.word()..self.at),
            KeyCode::Char(character) if !control => self.insert(character),
            KeyCode::Backspace => self.delete(self.before()..self.at),
            KeyCode::Delete => self.delete(self.at..self.after()),
            KeyCode::Left => self.at = self.before(),
            KeyCode::Right => self.at = self.after(),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = self.text.len(),
            _ => {}
        }
        Edited::On
    }

    fn insert(&mut self, character: char) {
        self.text.insert(self.at, character);
        self.at += character.len_utf8();
        self.changed();
    }

    fn delete(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.at = range.start;
            self.text.drain(range);
            self.changed();
        }
    }

    fn changed(&mut self) {
        self.refusal = None;
        self.asked = false;
    }

    fn before(&self) -> usize {
        let before = self.text[..self.at].chars().next_back();
        self.at - before.map_or(0, char::len_utf8)
    }

    fn after(&self) -> usize {
        let after = self.text[self.at..].chars().next();
        self.at + after.map_or(0, char::len_utf8)
    }

    /// Where the word before the place begins.
    fn word(&self) -> usize {
        let before = self.text[..self.at].trim_end();
        before.rfind(' ').map_or(0, |space| space + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(editor: &mut Editor, code: KeyCode) -> Edited {
        editor.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn control(editor: &mut Editor, character: char) -> Edited {
        editor.key(KeyEvent::new(
            KeyCode::Char(character),
            KeyModifiers::CONTROL,
        ))
    }

    #[test]
    fn text_is_edited_character_by_character_whatever_its_bytes() {
        let mut editor = Editor::new(Purpose::Filter, "pört 5");
        press(&mut editor, KeyCode::Char('3'));
        assert_eq!(editor.text(), "pört 53");
        press(&mut editor, KeyCode::Home);
        press(&mut editor, KeyCode::Right);
        press(&mut editor, KeyCode::Delete);
        press(&mut editor, KeyCode::Char('o'));
        assert_eq!(editor.text(), "port 53");
        press(&mut editor, KeyCode::Backspace);
        press(&mut editor, KeyCode::Left);
        press(&mut editor, KeyCode::Left);
        press(&mut editor, KeyCode::Backspace);
        assert_eq!(editor.text(), "prt 53");
    }

    #[test]
    fn words_and_lines_go_at_once() {
        let mut editor = Editor::new(Purpose::Filter, "udp and  port 53");
        control(&mut editor, 'w');
        assert_eq!(editor.text(), "udp and  port ");
        control(&mut editor, 'w');
        assert_eq!(editor.text(), "udp and  ");
        control(&mut editor, 'a');
        control(&mut editor, 'k');
        assert_eq!(editor.text(), "");
        assert_eq!(control(&mut editor, 'w'), Edited::On);
    }

    #[test]
    fn a_refusal_points_at_its_place_until_the_text_changes() {
        let mut editor = Editor::new(Purpose::Filter, "udp and poort 53");
        editor.refuse(Refusal {
            message: "unknown word `poort`".to_owned(),
            span: Some(8..13),
        });
        assert_eq!(editor.at(), 8);
        assert!(editor.refusal().is_some());
        press(&mut editor, KeyCode::Right);
        assert!(editor.refusal().is_some());
        press(&mut editor, KeyCode::Delete);
        assert!(editor.refusal().is_none());
        assert_eq!(press(&mut editor, KeyCode::Enter), Edited::Done);
        assert_eq!(press(&mut editor, KeyCode::Esc), Edited::Cancelled);
    }

    #[test]
    fn who_was_asked_about_a_text_is_asked_anew_about_another() {
        let mut editor = Editor::new(Purpose::Recording, "drops.ndr");
        editor.ask("overwrite it?".to_owned());
        press(&mut editor, KeyCode::Left);
        assert!(editor.was_asked());
        press(&mut editor, KeyCode::Char('2'));
        assert!(!editor.was_asked());
        assert!(editor.refusal().is_none());
    }

    #[test]
    fn what_is_pasted_stays_one_line() {
        let mut editor = Editor::default();
        editor.paste("udp\nand\x1b[31m");
        assert_eq!(editor.text(), "udp and [31m");
    }
}
