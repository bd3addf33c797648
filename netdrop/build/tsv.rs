//! Tables with a head and cells between tabs.

use super::problem::File;

/// The rows of a table with these columns, each with its line.
pub(super) fn rows<const N: usize>(
    file: &mut File<'_>,
    columns: [&str; N],
) -> Vec<(usize, [String; N])> {
    let text = file.text;
    let mut lines = text.lines().zip(1..);
    if lines.next().map(|(head, _)| head) != Some(&columns.join("\t")) {
        file.wrong(1, format!("the columns are not {}", columns.join(", ")));
    }
    let mut rows = Vec::new();
    for (line, number) in lines {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        match <[String; N]>::try_from(cells) {
            Ok(row) => rows.push((number, row)),
            Err(cells) => file.wrong(number, format!("has {} cells, not {N}", cells.len())),
        }
    }
    rows
}
