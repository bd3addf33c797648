//! How far a filter that asks for what rows do not tell was decided.

use super::{amount::count_text, palette::Palette};
use crate::tally::choose::Singles;

/// What there is to say of it, in a line; nothing where rows told everything.
#[must_use]
pub fn remark(singles: Singles) -> Option<String> {
    let parts = parts(singles);
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The same in lines of a page; what could not be told is marked as such.
pub(super) fn lines(singles: Option<Singles>, palette: Palette) -> Vec<String> {
    let Some(singles) = singles else {
        return Vec::new();
    };
    let mut lines = parts(singles);
    for line in lines.iter_mut().skip(1) {
        *line = palette.warn(line).into_owned();
    }
    lines
}

fn parts(singles: Singles) -> Vec<String> {
    let Singles {
        asked,
        kept,
        decided,
    } = singles;
    if asked == 0 {
        return Vec::new();
    }
    let drops = count_text(asked, "drop");
    if decided == asked {
        return vec![format!(
            "filter: exact: {drops} that rows do not tell apart, all kept single"
        )];
    }
    let mut parts = vec![format!(
        "filter: decided on {decided} of {drops} that rows do not tell apart"
    )];
    if asked > kept {
        let lost = asked - kept;
        // Where what was kept told nothing, more of it would not either.
        let remedy = if kept > 0 && decided == 0 {
            ""
        } else {
            " (a higher --max-events keeps more)"
        };
        parts.push(format!("UNDECIDED: {lost} not kept single{remedy}"));
    }
    if kept > decided {
        let unread = kept - decided;
        parts.push(format!(
            "UNDECIDED: {unread} kept without what the filter asks for"
        ));
    }
    parts
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
            "filter: decided on 200 of 900 drops that rows do not tell apart; UNDECIDED: 700 not \
             kept single (a higher --max-events keeps more)"
        );
        assert_eq!(
            told(900, 200, 150).unwrap(),
            "filter: decided on 150 of 900 drops that rows do not tell apart; UNDECIDED: 700 not \
             kept single (a higher --max-events keeps more); UNDECIDED: 50 kept without what the \
             filter asks for"
        );
        assert_eq!(
            told(90, 9, 0).unwrap(),
            "filter: decided on 0 of 90 drops that rows do not tell apart; UNDECIDED: 81 not kept \
             single; UNDECIDED: 9 kept without what the filter asks for"
        );
        assert_eq!(
            told(9, 9, 0).unwrap(),
            "filter: decided on 0 of 9 drops that rows do not tell apart; UNDECIDED: 9 kept \
             without what the filter asks for"
        );
    }
}
