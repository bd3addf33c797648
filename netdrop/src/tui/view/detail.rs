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

use super::{number, packets, rows::Rows};
use crate::{
    drops::{side::Passage, stage::Stage},
    output::{amount::count_text, escape::escape, table},
    tally::{harm::Here, regroup, row::rate},
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
        height: usize::from(area.height),
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
    height: usize,
    seconds: f64,
    theme: Theme,
}

impl Page {
    fn lines<'a>(&self, detail: &Detail) -> Vec<Line<'a>> {
        let mut lines = vec![self.title(detail), self.counts(detail)];
        lines.extend(self.harm(detail));
        // What a flow met comes first; of a place, what it means.
        if detail.is_flow() {
            self.part(&mut lines, "reasons", &detail.reasons);
            self.packets(&mut lines, detail);
            self.part(&mut lines, "CPUs", &detail.cpus);
            self.meanings(&mut lines, detail);
        } else {
            self.meanings(&mut lines, detail);
            self.part(&mut lines, "reasons", &detail.reasons);
            self.packets(&mut lines, detail);
            self.part(&mut lines, "CPUs", &detail.cpus);
        }
        self.part(&mut lines, "devices and namespaces", &detail.places);
        self.part(&mut lines, "flows", &detail.flows);
        lines
    }

    fn meanings(&self, lines: &mut Vec<Line<'_>>, detail: &Detail) {
        if detail.told.is_empty()
            && let Some(Passage { stage, .. }) = detail.stage
        {
            self.stage(lines, stage);
        }
        let mut number = 0;
        for told in &detail.told {
            lines.push(Line::default());
            let copied = detail.copied.and_then(|copied| copied.checked_sub(number));
            self.told(lines, told, copied);
            number += told.advice.commands.len();
        }
    }

    /// What followed its drops, where rows tell of it.
    fn harm<'a>(&self, detail: &Detail) -> Option<Line<'a>> {
        if !detail.row.tells_harm {
            return None;
        }
        let harm = &detail.run.harm;
        let count = |count: Option<u64>, noun| {
            count.map_or_else(|| format!("{noun}s unknown"), |it| count_text(it, noun))
        };
        let text = match harm.here() {
            None if harm.sum() == 0 => {
                " what followed is known of TCP flows with an end on this host only".into()
            }
            here => format!(
                " then {}, {} (here: {})",
                count(harm.retransmits(), "retransmission"),
                count(harm.resets(), "reset"),
                here.map_or("differs", Here::as_str)
            ),
        };
        let style = if harm.sum() > 0 {
            self.theme.warning()
        } else {
            self.theme.quiet()
        };
        Some(Line::from(Span::styled(text, style)))
    }

    /// The last ones, fewer where there is little room.
    fn packets(&self, lines: &mut Vec<Line<'_>>, detail: &Detail) {
        let most = (self.height / 4).max(2);
        let packets = &detail.packets[..detail.packets.len().min(most)];
        if packets.is_empty() {
            return;
        }
        lines.push(Line::default());
        lines.push(Line::from(vec![
            Span::styled(" last packets", self.theme.title()),
            Span::styled(" of a sample, newest first", self.theme.quiet()),
        ]));
        let rows = packets::lines(packets, detail.is_flow(), self.width, self.theme);
        lines.extend(rows);
    }

    fn title<'a>(&self, detail: &Detail) -> Line<'a> {
        let name = if let Some(passage) = detail.stage {
            format!("{}: {}", passage.stage.id(), passage.name())
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

    fn told(&self, lines: &mut Vec<Line<'_>>, told: &Told, copied: Option<usize>) {
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
        for (place, command) in advice.commands.iter().enumerate() {
            let style = if copied == Some(place) {
                self.theme.selected()
            } else {
                self.theme.key()
            };
            // A command stays as it is typed; what is too long goes on below.
            self.styled(lines, "$ ", &escape(command), style);
        }
        self.list(lines, "causes: ", causes);
        self.list(lines, "counters: ", counters);
    }

    fn part(&self, lines: &mut Vec<Line<'_>>, title: &str, part: &[regroup::Line]) {
        let Self {
            width,
            seconds,
            theme,
            ..
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
            skipped: 0,
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
