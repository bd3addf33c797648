//! What the host was.

use maud::{Markup, html};

use super::{
    super::{amount::duration_text, clock},
    name::{code, moment, name},
    page::Section,
    table::{table, words},
};
use crate::recording::{
    fleet::{Fleet, Host},
    header::Header,
};

/// Lines of a table at most: a host may have thousands of devices.
const MOST: usize = 100;

pub(super) fn section(fleet: &Fleet) -> Section {
    let body = html! {
        @for host in &fleet.hosts {
            @if fleet.only().is_none() { h3 { (name(&host.name)) } }
            (of_host(fleet, host))
        }
    };
    super::section("facts", "Host", "The host", body)
}

fn of_host(fleet: &Fleet, host: &Host) -> Markup {
    let header = &host.report.header;
    let Header {
        version,
        start,
        clock: clock_name,
        kernel,
        machine,
        cpus,
        interval,
        filter,
        hooks,
        warnings,
        devices,
        namespaces,
        sysctls,
        ..
    } = header;
    let attached = hooks.iter().filter(|hook| hook.attached).count();
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let lines: Vec<(&str, Markup)> = vec![
        ("Name", name(&header.host)),
        (
            "Kernel",
            html! { "Linux " (name(kernel)) ", " (name(machine)) },
        ),
        (
            "CPUs online",
            html! { (or_unknown(cpus.map(|cpus| cpus.to_string()))) },
        ),
        ("Recorded by", html! { "netdrop " (name(version)) }),
        (
            "Started",
            html! { @if let Some(start) = start { (moment(*start)) } @else { "unknown" } },
        ),
        ("Clock", html! { (name(clock_name)) }),
        (
            "Interval",
            html! { (or_unknown(interval.map(duration_text))) },
        ),
        (
            "Recorded with filter",
            html! { @if let Some(filter) = filter { code { (name(filter)) } } @else { "none" } },
        ),
        (
            "Hooks",
            html! { (attached) " of " (hooks.len()) " attached" },
        ),
    ];
    html! {
        dl.facts {
            @for (what, value) in lines { div { dt { (what) } dd { (value) } } }
        }
        @if fleet.only().is_some() {
            ul { @for sentence in clock::sentences(fleet).into_iter().skip(1) { li { (name(&sentence)) } } }
        }
        @if !warnings.is_empty() {
            @if fleet.only().is_some() { h3 { "What it warned of" } }
            @else { h4 { "What it warned of" } }
            ul { @for warning in warnings { li { (name(warning)) } } }
        }
        (listed("Hooks that were not attached", &["Hook", "Why"], hooks.iter().filter(|hook| !hook.attached).map(|hook| vec![
            code(&hook.name),
            name(hook.why.as_deref().unwrap_or("unknown")),
        ])))
        (listed("Devices", &["Name", "Index", "Driver", "MTU"], devices.iter().map(|device| vec![
            code(&device.name),
            html! { (device.ifindex) },
            name(device.driver.as_deref().unwrap_or("–")),
            html! { @if let Some(mtu) = device.mtu { (mtu) } @else { "–" } },
        ])))
        (listed("Network namespaces", &["Inode", "Name", "Named by"], namespaces.iter().map(|namespace| vec![
            html! { (namespace.inode) },
            code(&namespace.name),
            name(&namespace.kind),
        ])))
        (listed("Settings of the stack", &["Name", "Value"], sysctls.iter().map(|(setting, value)| vec![
            code(setting),
            code(value),
        ])))
    }
}

fn listed(title: &str, columns: &[&str], rows: impl Iterator<Item = Vec<Markup>>) -> Markup {
    let mut rows: Vec<Vec<Markup>> = rows.collect();
    let all = rows.len();
    rows.truncate(MOST);
    let columns: Vec<_> = columns.iter().map(|title| words(*title)).collect();
    html! {
        @if !rows.is_empty() {
            details {
                summary { (title) " (" (all) ")" }
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    div.plain { (table(title, &columns, &rows)) }
                }
                @if all > rows.len() { p.note { (all - rows.len()) " more are in the recording." } }
            }
        }
    }
}
