//! Counters explained by drops.

use std::collections::HashMap;

use super::{
    Line, Part,
    fit::{Fit, Match},
    known::{Known, Of},
    moved::Loss,
    traced::{Site, Texts, Traced},
};
use crate::tally::{intern::Interner, names::Severity};

/// Drops of one kind.
type Drops<'a> = (&'a Site, u64);

/// The line of each counter that counted something or should have, and the drops
/// of the namespace that no counter counted, benign ones left out.
pub(super) fn all(
    losses: &[Loss],
    traced: &Traced,
    netns: u32,
    interner: &Interner,
) -> (Vec<Line>, u64) {
    let texts = Texts(interner);
    let mut counted: HashMap<&Site, u64> = HashMap::new();
    let mut lines: Vec<(&Loss, Line)> = losses
        .iter()
        .filter_map(|loss| {
            let (line, taken) = line(loss, traced, netns, texts)?;
            for (site, drops) in taken {
                let most = counted.entry(site).or_default();
                *most = drops.max(*most);
            }
            Some((loss, line))
        })
        .collect();
    let rests: Vec<(String, u64)> = lines
        .iter()
        .map(|(_, line)| (line.counter.clone(), line.unexplained))
        .collect();
    for (loss, line) in &mut lines {
        let includes = loss.known.includes;
        let specific = rests
            .iter()
            .filter(|(counter, _)| includes.contains(&counter.as_str()))
            .map(|(_, rest)| rest);
        line.repeated = specific.sum::<u64>().min(line.unexplained);
    }
    lines.sort_by(|(_, a), (_, b)| {
        let key = |line: &Line| std::cmp::Reverse((line.unexplained - line.repeated, line.delta));
        key(a)
            .cmp(&key(b))
            .then_with(|| (&a.counter, &a.scope).cmp(&(&b.counter, &b.scope)))
    });
    let uncounted = traced
        .drops
        .iter()
        .filter(|(site, _)| site.netns == netns && site.severity != Severity::Benign)
        .map(|(site, drops)| drops - counted.get(site).unwrap_or(&0).min(drops))
        .sum();
    (lines.into_iter().map(|(_, line)| line).collect(), uncounted)
}

/// A counter's line, and the drops that it is made of; nothing where nothing was
/// counted or traced.
fn line<'a>(
    loss: &Loss,
    traced: &'a Traced,
    netns: u32,
    texts: Texts<'_>,
) -> Option<(Line, Vec<Drops<'a>>)> {
    let Loss {
        known,
        scope,
        name,
        delta,
    } = loss;
    let (mut sure, mut maybe): (Vec<Drops<'a>>, Vec<Drops<'a>>) = Default::default();
    for (site, drops) in &traced.drops {
        match fits(known, scope, netns, site, texts) {
            Match::Yes => sure.push((site, *drops)),
            Match::Perhaps => maybe.push((site, *drops)),
            Match::No => {}
        }
    }
    let certain: u64 = sure.iter().map(|(_, drops)| drops).sum();
    if *delta == 0 && certain == 0 {
        return None;
    }
    let order = |(site, drops): &Drops<'_>| {
        let text = |name| texts.text(name).unwrap_or_default().to_owned();
        (
            std::cmp::Reverse(*drops),
            text(site.reason),
            text(site.function),
            site.netns,
        )
    };
    maybe.sort_by_cached_key(order);
    let excess = certain.saturating_sub(*delta);
    let mut rest = delta.saturating_sub(certain);
    for (site, drops) in maybe {
        let taken = drops.min(rest);
        if taken > 0 {
            sure.push((site, taken));
        }
        rest -= taken;
    }
    let line = Line {
        counter: name.clone(),
        scope: scope.clone(),
        delta: *delta,
        traced: delta - rest,
        unexplained: rest,
        repeated: 0,
        excess,
        by: parts(&sure, texts),
        note: (rest > 0)
            .then_some(known.note)
            .flatten()
            .map(str::to_owned),
    };
    // What was counted of drops that are too many cannot be told: the first ones.
    let mut left = *delta;
    for (_, drops) in &mut sure {
        *drops = (*drops).min(left);
        left -= *drops;
    }
    Some((line, sure))
}

/// Does a counter count such drops?
fn fits(known: &Known, scope: &str, netns: u32, site: &Site, texts: Texts<'_>) -> Match {
    let here = match known.of {
        Of::Host => true,
        Of::Netns => site.netns == netns,
        Of::Device | Of::Qdisc | Of::Clsact => {
            let device = scope
                .split_once(" qdisc ")
                .map_or(scope, |(device, _)| device);
            site.netns == netns && texts.text(site.device) == Some(device)
        }
    };
    let best = |fits: &[Fit]| {
        let found = fits
            .iter()
            .filter(|fit| here || fit.elsewhere)
            .map(|fit| fit.of(site, texts));
        found.max().unwrap_or(Match::No)
    };
    match best(known.drops) {
        Match::Yes => Match::Yes,
        Match::Perhaps => Match::Perhaps,
        // However well it fits, it may have been counted.
        Match::No => best(known.maybe).min(Match::Perhaps),
    }
}

/// Drops by reason, function and stage.
fn parts(drops: &[Drops<'_>], texts: Texts<'_>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (site, drops) in drops {
        let text = |name| texts.text(name).map(str::to_owned);
        let part = Part {
            reason: text(site.reason),
            function: text(site.function),
            stage: text(site.stage).unwrap_or_else(|| "unknown".to_owned()),
            drops: *drops,
        };
        let same = |other: &&mut Part| {
            (&other.reason, &other.function, &other.stage)
                == (&part.reason, &part.function, &part.stage)
        };
        match parts.iter_mut().find(same) {
            Some(known) => known.drops += part.drops,
            None => parts.push(part),
        }
    }
    parts.sort_by(|a, b| {
        let key = |part: &Part| {
            (
                part.reason.clone(),
                part.function.clone(),
                part.stage.clone(),
            )
        };
        b.drops.cmp(&a.drops).then_with(|| key(a).cmp(&key(b)))
    });
    parts
}
