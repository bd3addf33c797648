//! `{"type":"diff",…}`

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{
    super::diff::Compared,
    period::{AccountingObject, TotalsObject},
    report::{EndObject, SinglesObject},
};
use crate::{
    recording::{
        diff::{Change, Side},
        header::Header,
    },
    tally::row::Value,
};

#[derive(Serialize)]
pub(super) struct Object<'a> {
    r#type: &'static str,
    schema: u32,
    filter: Option<&'a str>,
    before: SideObject<'a>,
    after: SideObject<'a>,
    rows: Vec<ChangeObject<'a>>,
    beside: Vec<SectionObject<'a>>,
}

#[derive(Serialize)]
struct SectionObject<'a> {
    by: &'static str,
    rows: Vec<ChangeObject<'a>>,
}

impl<'a> Object<'a> {
    pub(super) fn of(compared: &Compared<'a>) -> Self {
        let Compared { files, diff, .. } = *compared;
        let [before, after] = &diff.sides;
        Self {
            r#type: "diff",
            schema: super::SCHEMA,
            filter: before.wanted.as_deref(),
            before: SideObject::of(files[0], before),
            after: SideObject::of(files[1], after),
            rows: diff.rows.iter().map(ChangeObject).collect(),
            beside: diff
                .beside
                .iter()
                .map(|section| SectionObject {
                    by: section.by,
                    rows: section.rows.iter().map(ChangeObject).collect(),
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct SideObject<'a> {
    file: &'a str,
    recording: RecordingObject<'a>,
    seconds: f64,
    totals: TotalsObject,
    accounting: AccountingObject,
    uncompared: u64,
    singles: Option<SinglesObject>,
}

#[derive(Serialize)]
struct RecordingObject<'a> {
    #[serde(flatten)]
    header: &'a Header,
    ended: EndObject<'a>,
}

impl<'a> SideObject<'a> {
    fn of(file: &'a str, side: &'a Side) -> Self {
        Self {
            file,
            recording: RecordingObject {
                header: &side.header,
                ended: EndObject::of(&side.end),
            },
            seconds: (side.summary.seconds * 1e6).round() / 1e6,
            totals: (&side.summary.totals).into(),
            accounting: (&side.summary.accounting).into(),
            uncompared: side.uncompared,
            singles: side.singles.map(Into::into),
        }
    }
}

struct ChangeObject<'a>(&'a Change);

impl Serialize for ChangeObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(change) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("change", change.kind.as_str())?;
        map.serialize_entry("sure", &change.is_sure())?;
        for field in &change.fields {
            match &field.value {
                Value::Null => map.serialize_entry(field.name, &None::<()>)?,
                Value::Number(number) => map.serialize_entry(field.name, number)?,
                Value::Text(text) | Value::Lines(text) => {
                    map.serialize_entry(field.name, &**text)?;
                }
            }
        }
        let [before, after] = change.drops;
        map.serialize_entry("drops_before", &before)?;
        map.serialize_entry("drops_after", &after)?;
        let [before, after] = change.rates;
        map.serialize_entry("rate_before", &before)?;
        map.serialize_entry("rate_after", &after)?;
        map.serialize_entry("ratio", &change.ratio())?;
        map.serialize_entry("burst", &change.burst)?;
        map.serialize_entry("p", &change.p)?;
        map.serialize_entry("q", &change.q)?;
        map.end()
    }
}
