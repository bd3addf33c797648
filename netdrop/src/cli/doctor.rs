//! `netdrop doctor`

use std::{fmt::Write as _, process::ExitCode};

use anyhow::Context as _;
use netdrop_ebpf::filter::Rules;
use serde::Serialize;

use super::{options::FormatArg, print, session};
use crate::{
    drops::coverage::Coverage,
    kernel::{
        capture::{CaptureConfig, Emit, Keep},
        doctor::{Check, Facts, Report, Status},
    },
    output::{json::SCHEMA, render::Format},
};

/// Arguments of `netdrop doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: FormatArg,
}

/// The line of `--format json`.
#[derive(Serialize)]
struct Object<'a> {
    r#type: &'static str,
    schema: u32,
    kernel: &'a str,
    ok: bool,
    checks: &'a [Check],
}

/// Looks at the host and prints what was found. Exit code 1 where watching is
/// impossible.
///
/// # Errors
///
/// When standard output cannot be written.
pub fn run(format: Format) -> anyhow::Result<ExitCode> {
    let facts = Facts::gather();
    let mut report = Report::new(&facts, Some(probe()));
    if let Ok(types) = &facts.types {
        let coverage = Coverage::of(types.reasons.iter().map(String::as_str));
        report.checks.extend(catalogue(&coverage));
    }
    let text = match format {
        Format::Text => text(&report),
        Format::Json => json(&report)?,
    };
    print::all(text.as_bytes())?;
    Ok(if report.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Really loads and attaches, for a moment.
fn probe() -> Result<(), String> {
    let config = CaptureConfig {
        flows: Some(1),
        emit: Emit::All,
        stack: false,
        headers: false,
        stacks: None,
        lite: false,
        histograms: false,
        ring_bytes: 4096,
        rules: Box::new(Rules::NONE),
        keep: Keep::ToCount,
    };
    session::capture(&config)
        .map(drop)
        .map_err(|error| format!("{error:#}"))
}

/// Nothing for a kernel without reasons.
fn catalogue(coverage: &Coverage) -> Option<Check> {
    let Coverage { total, missing } = coverage;
    let detail = format!(
        "{} of {total} reasons of this kernel are known",
        coverage.known()
    );
    let (status, detail, remedy) = if missing.is_empty() {
        (Status::Ok, detail, None)
    } else {
        (
            Status::Warn,
            format!("{detail}; not {}", missing.join(", ")),
            Some("their stage is told by the function; a newer netdrop may know them".to_owned()),
        )
    };
    (*total > 0).then(|| Check {
        name: "catalogue".to_owned(),
        status,
        detail,
        remedy,
        essential: false,
    })
}

fn json(report: &Report) -> anyhow::Result<String> {
    let object = Object {
        r#type: "doctor",
        schema: SCHEMA,
        kernel: &report.kernel,
        ok: report.is_ok(),
        checks: &report.checks,
    };
    let mut line = serde_json::to_string(&object).context("cannot write the report as JSON")?;
    line.push('\n');
    Ok(line)
}

fn text(report: &Report) -> String {
    const STATUS: usize = "missing".len();
    let name = report
        .checks
        .iter()
        .map(|check| check.name.chars().count())
        .max()
        .unwrap_or_default();
    let mut out = String::new();
    for check in &report.checks {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{:<STATUS$}  {:<name$}  {}",
            check.status.as_str(),
            check.name,
            check.detail,
        );
        if let Some(remedy) = &check.remedy
            && check.status != Status::Ok
        {
            let _ = writeln!(out, "{:STATUS$}  {:name$}  -> {remedy}", "", "");
        }
    }
    out.push_str(if report.is_ok() {
        "\nDrops can be watched on this host.\n"
    } else {
        "\nDrops cannot be watched on this host: see what is missing above.\n"
    });
    out
}

#[cfg(test)]
mod tests {
    use super::{Check, Coverage, Report, Status, catalogue, json, text};

    fn report() -> Report {
        let check = |name: &str, status, remedy: Option<&str>| Check {
            name: name.to_owned(),
            status,
            detail: "detail".to_owned(),
            remedy: remedy.map(str::to_owned),
            essential: true,
        };
        Report {
            kernel: "6.18.44".to_owned(),
            checks: vec![
                check("BTF", Status::Ok, None),
                check("CAP_BPF", Status::Missing, Some("sudo")),
            ],
        }
    }

    #[test]
    fn reasons_that_the_catalogue_lacks_are_listed() {
        let check = |names: &[&str]| catalogue(&Coverage::of(names.iter().copied()));
        assert_eq!(check(&[]), None);
        let known = check(&["NO_SOCKET"]).unwrap();
        assert_eq!(known.status, Status::Ok);
        assert_eq!(known.detail, "1 of 1 reasons of this kernel are known");
        let lacking = check(&["NO_SOCKET", "BRAND_NEW"]).unwrap();
        assert_eq!(lacking.status, Status::Warn);
        assert_eq!(
            lacking.detail,
            "1 of 2 reasons of this kernel are known; not BRAND_NEW"
        );
        assert!(lacking.remedy.is_some());
    }

    #[test]
    fn text_is_aligned_and_names_the_remedy() {
        assert_eq!(
            text(&report()),
            "\
ok       BTF      detail
missing  CAP_BPF  detail
                  -> sudo

Drops cannot be watched on this host: see what is missing above.
"
        );
    }

    #[test]
    fn every_field_is_documented() {
        let document = include_str!("../../../docs/json.md");
        let (_, document) = document.split_once("## `doctor`").unwrap();
        let line = json(&report()).unwrap();
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        let fields = [&object, &object["checks"][0]].map(|it| it.as_object().unwrap().keys());
        for field in fields.into_iter().flatten() {
            assert!(document.contains(&format!("| `{field}` |")), "{field}");
        }
    }

    #[test]
    fn json_is_one_line_with_all_checks() {
        assert_eq!(
            json(&report()).unwrap(),
            "{\"type\":\"doctor\",\"schema\":1,\"kernel\":\"6.18.44\",\"ok\":false,\"checks\":[\
             {\"name\":\"BTF\",\"status\":\"ok\",\"detail\":\"detail\",\"remedy\":null},\
             {\"name\":\"CAP_BPF\",\"status\":\"missing\",\"detail\":\"detail\",\
             \"remedy\":\"sudo\"}]}\n"
        );
    }
}
