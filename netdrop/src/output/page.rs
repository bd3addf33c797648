//! Labels on the left, wrapped text beside them.

use std::borrow::Cow;

use textwrap::{Options, WordSeparator, WordSplitter};

use super::{palette::Palette, text::Layout};
use crate::drops::severity::Severity;

/// Lines longer than this are hard to read, however wide the terminal is.
const WIDEST: usize = 100;
/// Where there is no terminal.
const USUAL: usize = 80;
/// Narrower than this, text is cut apart.
const NARROWEST: usize = 32;

/// Where text begins.
const INDENT: &str = "                ";
const BULLET: &str = "- ";

/// Text in the making.
pub(super) struct Page {
    out: String,
    width: usize,
    palette: Palette,
}

impl Page {
    pub(super) fn new(Layout { width, palette }: Layout) -> Self {
        Self {
            out: String::new(),
            width: width.unwrap_or(USUAL).clamp(NARROWEST, WIDEST),
            palette,
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// An empty line, unless there is one already.
    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A name and what it is.
    pub(super) fn heading(&mut self, name: &str, what: &str, severity: Option<Severity>) {
        let palette = self.palette;
        self.out.push_str(&palette.bold(name));
        self.out.push_str("  ");
        self.out.push_str(what);
        if let Some(severity) = severity {
            self.out.push_str(", ");
            self.out
                .push_str(&palette.severity(severity, severity.as_str()));
        }
        self.out.push('\n');
    }

    /// The title of a part.
    pub(super) fn title(&mut self, title: &str) {
        self.out.push_str(&self.palette.bold(title));
        self.out.push('\n');
    }

    /// Text from the left.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.plain("  ", "  ", text);
    }

    /// Text from the very left.
    pub(super) fn note(&mut self, text: &str) {
        self.plain("", "", text);
    }

    /// Text below that of a label.
    pub(super) fn paragraph_below(&mut self, text: &str) {
        self.plain(INDENT, INDENT, text);
    }

    /// Where something is wrong, which rule found it, and how much it matters.
    pub(super) fn finding(&mut self, at: &str, rule: &str, severity: Option<Severity>) {
        let palette = self.palette;
        let at = format!("  {at}");
        self.out.push_str(&palette.bold(&at));
        let room = INDENT.len().saturating_sub(at.len()).max(2);
        self.out.push_str(&INDENT[..room]);
        self.out.push_str(rule);
        if let Some(severity) = severity {
            self.out.push_str(", ");
            self.out
                .push_str(&palette.severity(severity, severity.as_str()));
        }
        self.out.push('\n');
    }

    /// A stage and its text.
    pub(super) fn stage(&mut self, id: &str, text: &str) {
        let label = format!("  {id}");
        let first = format!("{label:<0$}", INDENT.len());
        let palette = self.palette;
        self.wrapped(&label, &first, INDENT, text, |label| palette.bold(label));
    }

    /// A label and its text.
    pub(super) fn field(&mut self, label: &str, text: &str) {
        let label = format!("  {label}");
        let first = format!("{label:<0$}", INDENT.len());
        let palette = self.palette;
        self.wrapped(&label, &first, INDENT, text, |label| palette.dim(label));
    }

    /// A label that stands out, and its text.
    pub(super) fn marked(&mut self, label: &str, text: &str, severity: Severity) {
        let label = format!("  {label}");
        let first = format!("{label:<0$}", INDENT.len());
        let palette = self.palette;
        self.wrapped(&label, &first, INDENT, text, |label| {
            palette.severity(severity, label)
        });
    }

    /// Names below a label, and a text about them all.
    pub(super) fn about(&mut self, label: &str, names: &[&str], text: &str) {
        let names: Vec<_> = names.iter().map(|name| (*name, None)).collect();
        self.fill(&format!("  {label}"), &names);
        let indent = format!("{INDENT}  ");
        self.plain(&indent, &indent, text);
    }

    /// How much it matters, and why.
    pub(super) fn severity(&mut self, severity: Severity, why: &str) {
        self.field("severity", &format!("{}: {why}", severity.as_str()));
    }

    /// A label and its items; nothing without items.
    pub(super) fn bullets(&mut self, label: &str, items: &[&str]) {
        let mut label = format!("  {label}");
        let rest = format!("{INDENT}{:1$}", "", BULLET.len());
        let palette = self.palette;
        for item in items {
            let first = format!("{label:<0$}{BULLET}", INDENT.len());
            self.wrapped(&label, &first, &rest, item, |label| palette.dim(label));
            label.clear();
        }
    }

    /// A label and commands, each on one line however long: they are there to be
    /// copied.
    pub(super) fn commands(&mut self, label: &str, commands: &[String]) {
        let mut label = format!("  {label}");
        for command in commands {
            self.label(&label);
            self.out.push_str(command);
            self.out.push('\n');
            label.clear();
        }
    }

    /// Names, as many on a line as there is room for, below the text of a label.
    pub(super) fn names(&mut self, names: &[(&str, Option<Severity>)]) {
        self.fill("", names);
    }

    /// A label and names; nothing without names.
    pub(super) fn listed(&mut self, label: &str, names: &[(&str, Option<Severity>)]) {
        self.fill(&format!("  {label}"), names);
    }

    fn fill(&mut self, label: &str, names: &[(&str, Option<Severity>)]) {
        let mut column = INDENT.len();
        for (index, (name, severity)) in names.iter().enumerate() {
            let comma = if index + 1 < names.len() { "," } else { "" };
            let needed = name.len() + comma.len();
            if index == 0 {
                self.label(label);
            } else if column + 1 + needed > self.width {
                self.out.push('\n');
                self.out.push_str(INDENT);
                column = INDENT.len();
            } else {
                self.out.push(' ');
                column += 1;
            }
            match severity {
                Some(severity @ (Severity::Harmful | Severity::Benign)) => {
                    self.out.push_str(&self.palette.severity(*severity, name));
                }
                _ => self.out.push_str(name),
            }
            self.out.push_str(comma);
            column += needed;
        }
        if !names.is_empty() {
            self.out.push('\n');
        }
    }

    /// A label, and the room up to where text begins.
    fn label(&mut self, label: &str) {
        if !label.is_empty() {
            self.out.push_str(&self.palette.dim(label));
        }
        let room = INDENT.len().saturating_sub(label.len());
        self.out.push_str(&INDENT[..room]);
    }

    fn plain(&mut self, first: &str, rest: &str, text: &str) {
        self.wrapped("", first, rest, text, |label| label.into());
    }

    /// Text that begins with `first` on its first line and `rest` on the others;
    /// `first` begins with a label, which is painted.
    fn wrapped(
        &mut self,
        label: &str,
        first: &str,
        rest: &str,
        text: &str,
        paint: impl Fn(&str) -> Cow<'_, str>,
    ) {
        let options = Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(false);
        for (index, line) in textwrap::wrap(text, options).iter().enumerate() {
            match line.strip_prefix(label) {
                Some(behind) if index == 0 && !label.is_empty() => {
                    self.out.push_str(&paint(label));
                    self.out.push_str(behind);
                }
                _ => self.out.push_str(line),
            }
            self.out.push('\n');
        }
    }
}
