//! All that is known of one row: what it means, where it goes up, what it comes
//! from, what to run next, and what else its drops have in common.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};
use textwrap::{Options, WordSeparator, WordSplitter};

use super::{number, rows::Rows};
use crate::{
    drops::stage::Stage,
    output::{escape::escape, table},
    tally::{regroup, row::rate},
    tui::{
        state::{
            State,
            detail::{Detail, Told},
        },
        theme::Theme,
    },
};

/// Lines longer than this are hard to read.
const WIDEST: usize = 110;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &mut State, theme: Theme) {
    let seconds = state.shown.as_ref().map_or(0.0, |it| it.now.seconds);
    let Some(detail) = &mut state.detail else {
        return;
    };
    let page = Page {
        width: usize::from(area.width),
        seconds,
        theme,
    };
    let lines = page.lines(detail);
    let most = lines.len().saturating_sub(usize::from(area.height));
    detail.scroll = detail.scroll.min(most);
    let scroll = detail.scroll;
    let lines: Vec<Line<'_>> = lines.into_iter().skip(scroll).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

struct Page {
    width: usize,
    seconds: f64,
    theme: Theme,
}

impl Page {
    fn lines<'a>(&self, detail: &Detail) -> Vec<Line<'a>> {
        let mut lines = vec![self.title(detail), self.counts(detail)];
        if detail.told.is_empty()
            && let Some(stage) = detail.stage
        {
            self.stage(&mut lines, stage);
        }
        for told in &detail.told {
            lines.push(Line::default());
            self.told(&mut lines, told);
        }
        let parts = [
            ("reasons", &detail.reasons),
            ("CPUs", &detail.cpus),
            ("devices and namespaces", &detail.places),
            ("flows", &detail.flows),
        ];
        for (title, part) in parts {
            self.part(&mut lines, title, part);
        }
        lines
    }

    fn title<'a>(&self, detail: &Detail) -> Line<'a> {
        let name = if let Some(stage) = detail.stage {
            format!("{}: {}", stage.id(), stage.info().name)
        } else {
            let columns = table::key_columns(std::slice::from_ref(&detail.row));
            let cells = columns.into_iter().map(|column| column.cells.concat());
            cells.collect::<Vec<_>>().join("  ")
        };
        let name = table::shorten(&name, self.width.saturating_sub(2));
        Line::from(Span::styled(format!(" {name}"), self.theme.title()))
    }

    fn counts<'a>(&self, detail: &Detail) -> Line<'a> {
        let Detail { run, now, .. } = detail;
        let text = format!(
            " {}/s now, {} drops in the run ({} packets, {} bytes)",
            number::rate(rate(now.drops(), self.seconds), 7),
            run.drops(),
            run.packets,
            run.bytes
        );
        Line::from(Span::styled(text, self.theme.severity(run.worst())))
    }

    /// A stage in which nothing died.
    fn stage(&self, lines: &mut Vec<Line<'_>>, stage: Stage) {
        let info = stage.info();
        lines.push(Line::default());
        self.wrapped(lines, "", info.meaning);
        self.wrapped(lines, "queue: ", info.queue);
        self.list(lines, "counters: ", info.counters);
        self.list(lines, "tunables: ", info.tunables);
    }

    fn told(&self, lines: &mut Vec<Line<'_>>, told: &Told) {
        let Told {
            advice,
            counters,
            causes,
        } = told;
        let reason = match &advice.reason {
            Some(reason) => escape(reason).into_owned(),
            None => "no reason given".to_owned(),
        };
        lines.push(Line::from(vec![
            Span::styled(format!(" {reason} in {}", advice.stage), self.theme.title()),
            Span::styled(
                format!(" ({})", advice.severity.as_str()),
                self.theme.severity(Some(advice.severity)),
            ),
        ]));
        self.wrapped(lines, "", advice.meaning);
        if let Some(note) = advice.note {
            self.wrapped(lines, "in this function: ", note);
        }
        if let Some(caution) = &advice.caution {
            self.wrapped(lines, "note: ", caution);
        }
        for command in &advice.commands {
            // A command stays as it is typed; what is too long goes on below.
            self.styled(lines, "$ ", &escape(command), self.theme.key());
        }
        self.list(lines, "causes: ", causes);
        self.list(lines, "counters: ", counters);
    }

    fn part(&self, lines: &mut Vec<Line<'_>>, title: &str, part: &[regroup::Line]) {
        let Self {
            width,
            seconds,
            theme,
        } = *self;
        if part.iter().all(|line| line.run.other.is_some()) {
            return;
        }
        lines.push(Line::default());
        lines.push(Line::from(Span::styled(format!(" {title}"), theme.title())));
        let rows = Rows {
            lines: part,
            seconds,
            selected: None,
            sparks: None,
            theme,
        };
        lines.extend(rows.text(width));
    }

    fn list(&self, lines: &mut Vec<Line<'_>>, title: &str, items: &[&str]) {
        if !items.is_empty() {
            self.wrapped(lines, title, &items.join("; "));
        }
    }

    fn wrapped(&self, lines: &mut Vec<Line<'_>>, title: &str, text: &str) {
        self.styled(lines, title, text, Style::new());
    }

    fn styled(&self, lines: &mut Vec<Line<'_>>, title: &str, text: &str, style: Style) {
        let options = Options::new(self.width.saturating_sub(1).min(WIDEST))
            .initial_indent("   ")
            .subsequent_indent("     ")
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(true);
        let text = format!("{title}{text}");
        for line in textwrap::wrap(&text, options) {
            lines.push(Line::from(Span::styled(line.into_owned(), style)));
        }
    }
}
