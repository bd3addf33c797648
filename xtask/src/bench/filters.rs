//! What a filter costs a drop: the drop program by the kernel's own clock, with filters that match
//! the whole flood or nothing of it.

use anyhow::{Context as _, Result};

use super::{
    numbers::{grouped, median},
    observer::Observer,
    programs,
};

/// A filter and whether the flood matches it.
struct Filter {
    name: &'static str,
    text: String,
}

fn all() -> Vec<Filter> {
    let tuple = |port: u16| {
        format!(
            "udp and src host 127.0.0.1 and src portrange 1024-65535 and dst host 127.0.0.1 and \
             dst port {port}"
        )
    };
    // The decision falls with the last of them.
    let many = |port: u16| {
        let hosts: Vec<_> = (1..20)
            .map(|host| format!("dst host 198.51.100.{host}"))
            .collect();
        format!("{} or udp dst port {port}", hosts.join(" or "))
    };
    [
        ("none", String::new()),
        ("5-tuple, matches", tuple(9)),
        ("5-tuple, does not match", tuple(10)),
        ("20 terms, matches", many(9)),
        ("20 terms, does not match", many(10)),
    ]
    .map(|(name, text)| Filter { name, text })
    .into()
}

/// The cost of one filter.
pub(crate) struct Cost {
    name: &'static str,
    per_run: f64,
    runs: u64,
    kept: u64,
}

/// Measures each filter in turns, `repeats` times; the kernel's statistics must be on. `flood`
/// makes drops.
pub(crate) fn measure(
    netdrop: &Observer,
    repeats: usize,
    mut flood: impl FnMut() -> Result<()>,
) -> Result<Vec<Cost>> {
    let filters = all();
    let mut measured: Vec<(Vec<f64>, u64, u64)> = vec![Default::default(); filters.len()];
    for _ in 0..repeats {
        for (filter, (per_run, runs, kept)) in filters.iter().zip(&mut measured) {
            let running = netdrop.with(&filter.text).start()?;
            flood()?;
            let stats = programs::of(running.pid(), filter.name)?;
            let stats = stats
                .iter()
                .find(|stats| stats.name == "kfree_skb")
                .context("the drop program did not run")?;
            per_run.push(stats.per_run);
            *runs += stats.runs;
            *kept += running.stop()?.seen.unwrap_or(0);
        }
    }
    let costs = filters.iter().zip(measured);
    Ok(costs
        .map(|(filter, (per_run, runs, kept))| Cost {
            name: filter.name,
            per_run: median(&per_run),
            runs,
            kept,
        })
        .collect())
}

/// Writes Markdown to stdout; `empty` is what the empty program takes.
pub(crate) fn print(costs: &[Cost], empty: Option<f64>) {
    println!("| filter | ns per drop | minus the empty one | kept |");
    println!("|---|---|---|---|");
    for cost in costs {
        let own = empty.map_or_else(
            || "-".to_owned(),
            |empty| format!("{:.0}", cost.per_run - empty),
        );
        println!(
            "| {} | {:.0} | {own} | {} of {} |",
            cost.name,
            cost.per_run,
            grouped(cost.kept),
            grouped(cost.runs)
        );
    }
}
