//! Files of other versions.

use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray, UInt64Array};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};

use super::{header, record};
use crate::recording::{
    header::{FORMAT, Header, KEY},
    read::{End, OpenError, Recording},
};

#[test]
fn a_newer_format_is_named_as_such() {
    let newer = Header {
        format: FORMAT + 1,
        version: "9.9.9".to_owned(),
        ..header()
    };
    let bytes = record(&[], &newer);
    let error = Recording::open(&bytes[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "was written by netdrop 9.9.9 in format 2, and this one reads formats up to 1: use \
         netdrop 9.9.9 or a later one"
    );
}

fn foreign(
    metadata: Option<&str>,
    fields: Vec<Field>,
    columns: Vec<arrow_array::ArrayRef>,
) -> Vec<u8> {
    let metadata = metadata.map(|header| (KEY.to_owned(), header.to_owned()));
    let schema = Schema::new_with_metadata(
        fields,
        metadata
            .into_iter()
            .collect::<std::collections::HashMap<_, _>>(),
    );
    let batch = RecordBatch::try_new(Arc::new(schema.clone()), columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn columns_that_come_and_go_do_no_harm() {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let fields = vec![
        text("kind"),
        text("reason"),
        Field::new("drops", DataType::UInt64, true),
        text("from_the_future"),
    ];
    let columns: Vec<arrow_array::ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["site", "novelty"])),
        Arc::new(StringArray::from(vec![Some("NO_SOCKET"), None])),
        Arc::new(UInt64Array::from(vec![5, 6])),
        Arc::new(StringArray::from(vec!["a", "b"])),
    ];
    let bytes = foreign(
        Some(r#"{"format":1,"novelty":[]}"#),
        fields.clone(),
        columns.clone(),
    );
    let mut recording = Recording::open(&bytes[..]).unwrap();
    assert!(recording.next_interval().is_none());
    assert_eq!(recording.end(), Some(&End::Closed("unknown".to_owned())));
    let not_ours = foreign(None, fields.clone(), columns.clone());
    assert!(matches!(
        Recording::open(&not_ours[..]),
        Err(OpenError::NotOne(_))
    ));
    let mut fields = fields;
    fields[3] = text("packets");
    let wrong = foreign(Some(r#"{"format":1}"#), fields, columns);
    let mut recording = Recording::open(&wrong[..]).unwrap();
    assert!(recording.next_interval().is_none());
    assert!(matches!(recording.end(), Some(End::Damaged(..))));
}

#[test]
fn a_file_without_the_columns_of_counts_is_refused() {
    for missing in ["kind", "drops"] {
        let field = |name| Field::new(name, DataType::Utf8, true);
        let other = if missing == "kind" { "kjnd" } else { "dropz" };
        let (fields, columns): (Vec<Field>, Vec<arrow_array::ArrayRef>) = ["kind", "drops"]
            .into_iter()
            .map(|name| {
                let name = if name == missing { other } else { name };
                let column: arrow_array::ArrayRef = Arc::new(StringArray::from(vec!["site"]));
                (field(name), column)
            })
            .unzip();
        let bytes = foreign(Some(r#"{"format":1}"#), fields, columns);
        let error = Recording::open(&bytes[..]).unwrap_err().to_string();
        assert!(
            error.contains("damaged") && error.contains(missing),
            "{error}"
        );
    }
}

#[test]
fn an_interval_whose_places_do_not_add_up_is_damaged() {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let number = |name| Field::new(name, DataType::UInt64, true);
    let read = |placed: u64, counted: u64, all: u64| {
        let fields = vec![
            text("kind"),
            text("scope"),
            text("name"),
            number("value"),
            number("drops"),
        ];
        let columns: Vec<arrow_array::ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["site", "count", "interval"])),
            Arc::new(StringArray::from(vec![None, Some("netdrop"), None])),
            Arc::new(StringArray::from(vec![None, Some("fired"), None])),
            Arc::new(UInt64Array::from(vec![None, Some(counted), None])),
            Arc::new(UInt64Array::from(vec![Some(placed), None, Some(all)])),
        ];
        let bytes = foreign(Some(r#"{"format":1}"#), fields, columns);
        let mut recording = Recording::open(&bytes[..]).unwrap();
        assert!(recording.next_interval().is_none());
        recording.end().unwrap().to_string()
    };
    // Whole but for its time.
    assert!(read(5, 5, 5).contains("has no time"));
    for (placed, counted, all) in [(4, 5, 5), (5, 4, 5), (5, 5, 4)] {
        let end = read(placed, counted, all);
        assert!(end.contains("by place"), "{end}");
    }
}
