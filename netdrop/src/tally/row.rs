//! A row as it is shown: names and numbers, ready to print.

use std::sync::Arc;

use super::{
    group::Group,
    harm::Harm,
    key::{By, Key},
    names::Evidence,
    site::Sites,
    sums::Sums,
};

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Unknown, or does not apply.
    Null,
    /// Ordered by value.
    Number(u64),
    /// Ordered by bytes.
    Text(Arc<str>),
    /// Several texts, a line each.
    Lines(Arc<str>),
}

impl<N: Into<u64>> From<Option<N>> for Value {
    fn from(number: Option<N>) -> Self {
        number.map_or(Self::Null, |number| Self::Number(number.into()))
    }
}

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
}

/// Why a row has no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// It sums so many rows beyond `--top`.
    Top(usize),
    /// It sums what had no room in a table.
    Table,
}

impl Other {
    /// The word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Top(_) => "top",
            Self::Table => "table",
        }
    }

    /// How many rows it sums, as far as that is known.
    #[must_use]
    pub fn rows(self) -> usize {
        match self {
            Self::Top(rows) => rows,
            Self::Table => 0,
        }
    }
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The fields of its keys, in the order of `--by`.
    pub fields: Vec<Field>,
    /// Its sums.
    pub sums: Sums,
    /// Does it tell of what followed its drops? Rows without a key of the flow
    /// do not.
    pub tells_harm: bool,
    /// Set on a row that stands for others.
    pub other: Option<Other>,
}

impl Row {
    /// The row of a group.
    #[must_use]
    pub fn new(by: &By, group: &Group, sums: Sums, sites: &Sites) -> Self {
        let mut fields = Vec::with_capacity(by.keys().len() + 2);
        for key in by.keys() {
            push_fields(&mut fields, *key, group, sums.by, sites);
        }
        Self {
            fields,
            sums,
            tells_harm: by.needs_flows(),
            other: None,
        }
    }

    /// A row without keys.
    #[must_use]
    pub fn other(by: &By, other: Other, sums: Sums) -> Self {
        let fields = by
            .keys()
            .iter()
            .flat_map(|key| key.fields())
            .map(|name| Field {
                name,
                value: Value::Null,
            })
            .collect();
        // Its flows may be in other rows, too: their harm would count twice.
        let sums = Sums {
            harm: Harm::default(),
            ..sums
        };
        Self {
            fields,
            sums,
            tells_harm: by.needs_flows(),
            other: Some(other),
        }
    }

    /// The value of a field; null where the row has no such field.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        let mut fields = self.fields.iter();
        fields
            .find(|field| field.name == name)
            .map_or(&Value::Null, |field| &field.value)
    }

    /// The text in a field, if there is one.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Drops per second; `None` over no time.
    #[must_use]
    pub fn rate(&self, seconds: f64) -> Option<f64> {
        rate(self.sums.drops(), seconds)
    }
}

/// Per second, to a thousandth; `None` over no time.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 52 bits"
)]
pub fn rate(count: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| (count as f64 / seconds * 1000.0).round() / 1000.0)
}

fn push_fields(
    fields: &mut Vec<Field>,
    key: Key,
    group: &Group,
    by: Option<Evidence>,
    sites: &Sites,
) {
    let text = |name| match name {
        Some(name) => Value::Text(Arc::clone(sites.interner.text(name))),
        None => Value::Null,
    };
    let address = |address: Option<std::net::IpAddr>| match address {
        Some(address) => Value::Text(address.to_string().into()),
        None => Value::Null,
    };
    let mut push = |name, value| fields.push(Field { name, value });
    match key {
        Key::Stage => {
            push("stage", text(group.stage));
            push("hook", text(group.hook));
            push("engine", text(group.engine));
            push("qdisc", text(group.qdisc));
            let by = by.and_then(Evidence::as_str);
            push(
                "stage_by",
                by.map_or(Value::Null, |by| Value::Text(by.into())),
            );
        }
        Key::Reason => push("reason", text(group.reason)),
        Key::Function => {
            push("function", text(group.function));
            if let Some(address) = group.address {
                push("address", Value::Text(format!("{address:#x}").into()));
            }
        }
        Key::Device => {
            push("device", text(group.device));
            push("ifindex", group.ifindex.map(u32::from).into());
        }
        Key::Netns => {
            let netns = group.netns.and_then(|inode| sites.netns(inode.get()));
            push("netns", group.netns.map(u32::from).into());
            push("netns_name", text(netns.map(|netns| netns.name)));
            push("netns_kind", text(netns.map(|netns| netns.kind)));
        }
        Key::Cpu => push("cpu", group.cpu.into()),
        Key::Protocol => push("protocol", text(group.protocol)),
        Key::Src => push("src", address(group.src)),
        Key::SrcPort => push("src_port", group.src_port.into()),
        Key::Dst => push("dst", address(group.dst)),
        Key::DstPort => push("dst_port", group.dst_port.into()),
        Key::Direction => push("direction", text(group.direction)),
        Key::Stack => push(
            "stack",
            match text(group.stack) {
                Value::Text(stack) => Value::Lines(stack),
                other => other,
            },
        ),
        Key::Severity => push(
            "severity",
            match group.severity {
                Some(severity) => Value::Text(severity.as_str().into()),
                None => Value::Null,
            },
        ),
    }
}
