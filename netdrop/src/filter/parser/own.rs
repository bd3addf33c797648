//! Values of netdrop's own words.

use std::ops::Range;

use crate::drops::{severity::Severity, stage::Stage};

use super::super::{
    cursor::Kind,
    pattern::Pattern,
    tree::{Command, Netns, Term},
    words::Own,
};
use super::{Parsed, Parser, number::number};

/// `TASK_COMM_LEN` (include/linux/sched.h, 5.10 to 7.2) without its zero.
const LONGEST_COMMAND: usize = 15;

/// How reasons begin (include/net/dropreason-core.h, 5.17 to 7.2).
const REASON: &str = "SKB_DROP_REASON_";

impl Parser<'_> {
    pub(super) fn own(&mut self, own: Own) -> Parsed<Term> {
        let quoted = self.cursor.at_quote();
        let (name, span) = self.own_name(own)?;
        match own {
            Own::Reason => self.reason(&name, span),
            Own::Stage => {
                let found = Stage::find(&name.to_ascii_lowercase());
                found.map(Term::Stage).ok_or_else(|| {
                    self.error(span, format!("unknown stage `{name}`"))
                        .hint("`netdrop explain` lists them")
                        .nearest(&name, Stage::all().map(Stage::id))
                })
            }
            Own::Function => Ok(Term::Function(Pattern::new(&name))),
            Own::Device => Ok(Term::Device(Pattern::new(&name))),
            Own::Netns => self.netns(&name, quoted, span),
            Own::Cpu => match number(&name).map(u16::try_from) {
                Some(Ok(cpu)) => Ok(Term::Cpu(cpu)),
                _ => Err(self.error(span, "a CPU's number expected, 0 to 65535")),
            },
            Own::Severity => {
                let found = Severity::ALL
                    .into_iter()
                    .find(|known| known.as_str().eq_ignore_ascii_case(&name));
                match found {
                    Some(severity) => Ok(Term::Severity(severity)),
                    None => Err(self
                        .error(span, format!("unknown severity `{name}`"))
                        .hint("`harmful`, `suspicious` or `benign`")),
                }
            }
            Own::Pid => match number(&name) {
                Some(pid) => Ok(Term::Pid(pid)),
                None => Err(self.error(span, "a process's number expected, 0 to 4294967295")),
            },
            Own::Command => self.command(&name, span),
        }
    }

    fn own_name(&mut self, own: Own) -> Parsed<(String, Range<usize>)> {
        let token = self.cursor.peek();
        // As written: `or:1` and `\or` are names.
        let is_join =
            |span: &Range<usize>| matches!(self.cursor.text.get(span.clone()), Some("and" | "or"));
        let is_sign =
            |span: &Range<usize>| matches!(self.cursor.text.get(span.clone()), Some("=" | "=="));
        let is_quoted = self.cursor.at_quote();
        let what = what(own);
        match self.cursor.name() {
            Some((name, span)) if !is_join(&span) && !is_sign(&span) && !name.is_empty() => {
                if !is_quoted {
                    self.check_signs(what, &span)?;
                }
                Ok((name, span))
            }
            _ => {
                if is_quoted {
                    let rest = token.span.start..self.cursor.text.len();
                    return Err(
                        self.error(rest, format!("{what} expected between two double quotes"))
                    );
                }
                let error = self.unexpected(&token, what);
                Err(match token.kind {
                    Kind::Sign(sign) => Self::sign_before_value(error, sign),
                    _ => error,
                })
            }
        }
    }

    /// Signs that are more likely meant to join names, or to compare with one,
    /// than to be part of it.
    fn check_signs(&self, what: &str, span: &Range<usize>) -> Parsed<()> {
        let written = self.cursor.text.get(span.clone()).unwrap_or_default();
        let leading = ["==", "=", "~", ":", "<", ">"];
        if let Some(sign) = leading.into_iter().find(|sign| written.starts_with(sign)) {
            let error = self.error(
                span.start..span.start + sign.len(),
                format!("{what} expected, not `{sign}`"),
            );
            return Err(error.hint(
                "a value stands without a sign, a name that begins with one between double quotes",
            ));
        }
        if let Some(at) = written.find(',') {
            let at = span.start + at;
            let error = self.error(at..at + 1, "`and`, `or` or the end expected, not `,`");
            return Err(error.hint(
                "several values stand between `or`, a name with a comma between double quotes",
            ));
        }
        Ok(())
    }

    fn reason(&self, name: &str, span: Range<usize>) -> Parsed<Term> {
        // As the kernel's own header names them, too.
        let (prefix, rest) = name.split_at_checked(REASON.len()).unwrap_or(("", name));
        let name = if prefix.eq_ignore_ascii_case(REASON) && !rest.is_empty() {
            rest
        } else {
            name
        };
        let pattern = Pattern::new(name);
        if let Some(reasons) = self.names.reasons()
            && !reasons.iter().any(|reason| pattern.matches(reason))
            // What has no name is shown by number.
            && !(name.starts_with("0x") && number(name).is_some())
        {
            let message = format!("no drop reason of this kernel is named `{name}`");
            return Err(self
                .error(span, message)
                .nearest(name, reasons.iter().map(String::as_str)));
        }
        Ok(Term::Reason(pattern))
    }

    fn netns(&self, name: &str, quoted: bool, span: Range<usize>) -> Parsed<Term> {
        if !quoted && let Some(inode) = number(name) {
            return Ok(Term::Netns(Netns::Inode(inode)));
        }
        if !quoted && is_number(name) {
            let message = format!("an inode's number is at most {}", u32::MAX);
            return Err(self
                .error(span, message)
                .hint(format!("if that is a name, write `\"{name}\"`")));
        }
        if name.starts_with('/') {
            let error = self.error(
                span,
                "a network namespace's name or inode number expected, not a path",
            );
            let named = ["/run/netns/", "/var/run/netns/"]
                .into_iter()
                .find_map(|folder| name.strip_prefix(folder));
            return Err(match named {
                Some(name) if !name.is_empty() => error.hint(format!("say `netns {name}`")),
                _ => error.hint("`stat -L -c %i PATH` tells the inode number"),
            });
        }
        Ok(Term::Netns(Netns::Name(Pattern::new(name))))
    }

    fn command(&self, name: &str, span: Range<usize>) -> Parsed<Term> {
        let (name, open) = match name.strip_suffix('*') {
            Some(start) => (start, true),
            None => (name, false),
        };
        if name.contains('*') {
            return Err(self.error(span, "a command's `*` can only stand at its end"));
        }
        if name.len() > LONGEST_COMMAND {
            return Err(self
                .error(
                    span,
                    format!("the kernel keeps {LONGEST_COMMAND} bytes of a command"),
                )
                .hint("shorten it, and put `*` behind"));
        }
        Ok(Term::Command(Command {
            name: name.to_owned(),
            open,
        }))
    }
}

/// What has to stand behind the word.
const fn what(own: Own) -> &'static str {
    match own {
        Own::Reason => "a drop reason like `NO_SOCKET`",
        Own::Stage => "a stage like `rx_lookup`",
        Own::Function => "a kernel function's name",
        Own::Device => "a device's name",
        Own::Netns => "a network namespace's name or inode number",
        Own::Cpu => "a CPU's number",
        Own::Severity => "`harmful`, `suspicious` or `benign`",
        Own::Pid => "a process's number",
        Own::Command => "a command's name",
    }
}

/// Is this a number, however large?
fn is_number(name: &str) -> bool {
    match name.strip_prefix("0x").or_else(|| name.strip_prefix("0X")) {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_hexdigit()),
        None => !name.starts_with('0') && name.bytes().all(|c| c.is_ascii_digit()),
    }
}
