//! `{"type":"ready",…}`

use jiff::Timestamp;
use serde::Serialize;

use super::super::ready::Ready;

#[derive(Serialize)]
pub(super) struct Object<'a> {
    r#type: &'static str,
    schema: u32,
    #[serde(serialize_with = "super::microseconds")]
    time: Timestamp,
    version: &'a str,
    host: &'a str,
    kernel: &'a str,
    filter: Filter,
    hooks: Vec<Hook<'a>>,
    warnings: &'a [String],
}

/// There are no filters yet.
#[derive(Default, Serialize)]
struct Filter {
    text: Option<&'static str>,
    kernel: Option<&'static str>,
    user: Option<&'static str>,
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
            filter: Filter::default(),
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
