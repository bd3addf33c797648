//! How things look, with colours and without.

use ratatui::style::{Color, Modifier, Style};

use crate::tally::names::Severity;

/// The looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Are colours wanted?
    pub colour: bool,
}

impl Theme {
    /// Titles.
    #[must_use]
    pub fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    #[must_use]
    pub fn quiet(self) -> Style {
        if self.colour {
            Style::new().fg(Color::DarkGray)
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    /// What is losing packets right now.
    #[must_use]
    pub fn hot(self, worst: Option<Severity>) -> Style {
        self.severity(worst).add_modifier(Modifier::BOLD)
    }

    /// The colour of a severity.
    #[must_use]
    pub fn severity(self, worst: Option<Severity>) -> Style {
        if !self.colour {
            return Style::new();
        }
        match worst {
            Some(Severity::Harmful) => Style::new().fg(Color::Red),
            Some(Severity::Suspicious) => Style::new().fg(Color::Yellow),
            Some(Severity::Benign) => self.quiet(),
            None => Style::new(),
        }
    }

    /// What was lost, and what went wrong.
    #[must_use]
    pub fn warning(self) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        if self.colour {
            style.fg(Color::Yellow)
        } else {
            style
        }
    }

    /// The row that is looked at.
    #[must_use]
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Keys that can be pressed.
    #[must_use]
    pub fn key(self) -> Style {
        if self.colour {
            Style::new().fg(Color::Cyan)
        } else {
            self.title()
        }
    }
}
