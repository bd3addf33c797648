//! How far a filter that asks for what rows do not tell was decided, in a line.

use super::{amount::count_text, palette::Palette};
use crate::tally::choose::Singles;

/// What there is to say of it; nothing where rows told everything.
#[must_use]
pub fn remark(singles: Singles) -> Option<String> {
    let Singles {
        asked,
        kept,
        decided,
    } = singles;
    if asked == 0 {
        return None;
    }
    if decided == asked {
        return Some(format!(
            "filter: exact: {} that rows do not tell apart, all kept single",
            count_text(asked, "drop")
        ));
    }
    let lost = asked - kept;
    let unread = kept - decided;
    let not_kept = format!("{lost} were not kept single (record with --max-events higher)");
    let not_told = format!("of {unread} what was kept does not tell");
    let why = match (lost, unread) {
        (_, 0) => not_kept,
        (0, _) => not_told,
        _ => format!("{not_kept}, and {not_told}"),
    };
    Some(format!(
        "filter: decided on {decided} of {} that rows do not tell apart; the others are undecided: \
         {why}",
        count_text(asked, "drop")
    ))
}

/// The same as a line of text; what could not be told is marked as such.
pub(super) fn line(singles: Singles, palette: Palette) -> Option<String> {
    let text = remark(singles)?;
    Some(match singles.untold() {
        0 => text,
        _ => palette.warn(&text).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_decided_is_said_with_its_remedy() {
        let told = |asked, kept, decided| {
            remark(Singles {
                asked,
                kept,
                decided,
            })
        };
        assert_eq!(told(0, 0, 0), None);
        assert_eq!(
            told(1, 1, 1).unwrap(),
            "filter: exact: 1 drop that rows do not tell apart, all kept single"
        );
        assert_eq!(
            told(900, 200, 200).unwrap(),
            "filter: decided on 200 of 900 drops that rows do not tell apart; the others are \
             undecided: 700 were not kept single (record with --max-events higher)"
        );
        assert_eq!(
            told(900, 200, 150).unwrap(),
            "filter: decided on 150 of 900 drops that rows do not tell apart; the others are \
             undecided: 700 were not kept single (record with --max-events higher), and of 50 \
             what was kept does not tell"
        );
        assert_eq!(
            told(9, 9, 0).unwrap(),
            "filter: decided on 0 of 9 drops that rows do not tell apart; the others are \
             undecided: of 9 what was kept does not tell"
        );
    }
}
