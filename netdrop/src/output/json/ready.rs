//! `{"type":"ready",…}`

use jiff::Timestamp;
use serde::Serialize;

use super::super::ready::Ready;
use crate::filter::plan::Plan;

#[derive(Serialize)]
pub(super) struct Object<'a> {
    r#type: &'static str,
    schema: u32,
    #[serde(serialize_with = "super::microseconds")]
    time: Timestamp,
    version: &'a str,
    host: &'a str,
    kernel: &'a str,
    filter: Filter<'a>,
    hooks: Vec<Hook<'a>>,
    warnings: &'a [String],
}

/// All `null` without one.
#[derive(Default, Serialize)]
struct Filter<'a> {
    text: Option<&'a str>,
    kernel: Option<&'a str>,
    user: Option<&'a str>,
    overflow: Option<&'a str>,
}

impl<'a> Filter<'a> {
    fn of((text, plan): (&'a str, Option<&'a Plan>)) -> Self {
        Self {
            text: Some(text),
            kernel: plan.and_then(Plan::kernel),
            user: plan.and_then(Plan::user),
            overflow: plan.and_then(Plan::overflow),
        }
    }
}

#[derive(Serialize)]
struct Hook<'a> {
    name: &'static str,
    attached: bool,
    why: Option<&'a str>,
}

impl<'a> Object<'a> {
    pub(super) fn of(ready: &Ready<'a>) -> Self {
        let Ready {
            time,
            version,
            host,
            kernel,
            filter,
            hooks,
            warnings,
        } = *ready;
        Self {
            r#type: "ready",
            schema: super::SCHEMA,
            time,
            version,
            host,
            kernel,
            filter: filter.map(Filter::of).unwrap_or_default(),
            hooks: hooks
                .iter()
                .map(|hook| Hook {
                    name: hook.name,
                    attached: hook.attached,
                    why: hook.why.as_deref(),
                })
                .collect(),
            warnings,
        }
    }
}
