//! What a filter left out, in a line, where the output itself has no place for it.

use super::amount::count_text;
use crate::tally::left_out::LeftOut;

/// What there is to say of it; nothing where nothing was left out.
#[must_use]
pub fn remark(left_out: LeftOut) -> Option<String> {
    let LeftOut {
        filtered,
        undecided,
    } = left_out;
    let filtered = count_text(filtered, "drop");
    match undecided {
        0 if left_out.filtered == 0 => None,
        0 => Some(format!("filter: {filtered} filtered")),
        undecided => Some(format!(
            "filter: {filtered} filtered; NOT COUNTED: {undecided} undecided"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_decided_stands_out() {
        let told = |filtered, undecided| {
            remark(LeftOut {
                filtered,
                undecided,
            })
        };
        assert_eq!(told(0, 0), None);
        assert_eq!(told(1, 0).unwrap(), "filter: 1 drop filtered");
        assert_eq!(
            told(111, 58).unwrap(),
            "filter: 111 drops filtered; NOT COUNTED: 58 undecided"
        );
    }
}
