//! Tables. On a narrow screen each row becomes a block, its cells with their
//! titles; the roles say that it is a table still.

use maud::{Markup, html};

/// A column's title, and whether it holds numbers.
#[derive(Clone, Debug)]
pub(super) struct Column {
    title: String,
    right: bool,
}

/// Of words.
pub(super) fn words(title: impl Into<String>) -> Column {
    Column {
        title: title.into(),
        right: false,
    }
}

/// Of numbers.
pub(super) fn numbers(title: impl Into<String>) -> Column {
    Column {
        title: title.into(),
        right: true,
    }
}

/// A table; the first cell of each row names the row.
pub(super) fn table(caption: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    html! {
        table role="table" {
            caption { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns {
                        th role="columnheader" scope="col" class=[column.right.then_some("n")] {
                            (column.title)
                        }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        @for (place, (cell, column)) in row.iter().zip(columns).enumerate() {
                            @let class = column.right.then_some("n");
                            @if place == 0 {
                                th role="rowheader" scope="row" class=[class] data-t=(column.title) { div { (cell) } }
                            } @else {
                                td role="cell" class=[class] data-t=(column.title) { div { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A table of numbers behind a chart, to be unfolded.
pub(super) fn data(
    summary: &str,
    caption: &str,
    columns: &[Column],
    rows: &[Vec<Markup>],
) -> Markup {
    html! {
        details {
            summary { (summary) }
            div.scroll tabindex="0" role="region" aria-label=(caption) {
                div.plain { (table(caption, columns, rows)) }
            }
        }
    }
}
