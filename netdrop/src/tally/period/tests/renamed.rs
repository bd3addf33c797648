//! Devices that are renamed while they are counted.

use std::sync::Arc;

use super::{
    super::super::names::{Attribution, Place, ReasonLabel},
    *,
};

/// Devices 2 of two namespaces, called differently in each interval.
struct Renaming([Option<&'static str>; 2]);

impl Names for Renaming {
    fn reason(&mut self, reason: u32) -> ReasonLabel {
        Canned.reason(reason)
    }
    fn function(&mut self, location: u64) -> Option<Place> {
        Canned.function(location)
    }
    fn attribution(&mut self, site: &SiteKey, _stack: Option<&[u64]>) -> Attribution {
        Canned.attribution(site, None)
    }
    fn device(&mut self, netns: u32, _ifindex: u32) -> Option<Arc<str>> {
        self.0[netns as usize].map(Into::into)
    }
    fn netns_name(&mut self, _inode: u32) -> Option<NetnsName> {
        None
    }
}

/// The summary by device of intervals in which each device drops one packet.
fn summary_by_device(intervals: &[[Option<&'static str>; 2]]) -> Vec<(Vec<String>, u64)> {
    let view = View {
        by: "device".parse().unwrap(),
        top: 20,
        sort: Sort::Drops,
        show: Show::All,
    };
    let mut tally = Tally::new(view, Attached::default());
    for names in intervals {
        let drops: Vec<_> = (0..2)
            .filter(|netns| names[*netns as usize].is_some())
            .map(|netns| {
                let key = SiteKey {
                    netns,
                    ifindex: 2,
                    reason: 1,
                    ..SiteKey::default()
                };
                (key, 1)
            })
            .collect();
        tally.interval(&counted(&drops), &MOMENT, &mut Renaming(*names));
    }
    let rows = tally.summary(MOMENT.time, 0).rows;
    rows.iter()
        .map(|row| (values(row), row.sums.drops()))
        .collect()
}

#[test]
fn a_renamed_device_is_one_row_under_its_last_name() {
    let row = |name: &str, drops| (vec![name.to_owned(), "2".to_owned()], drops);
    let alone = |name| [Some(name), None];
    assert_eq!(
        summary_by_device(&[alone("a"), alone("b"), alone("c")]),
        [row("c", 3)]
    );
    assert_eq!(
        summary_by_device(&[alone("a"), alone("b"), alone("a")]),
        [row("a", 3)]
    );
    // What another device is called stays apart.
    assert_eq!(
        summary_by_device(&[[Some("a"), Some("a")], [Some("b"), Some("a")]]),
        [row("a", 3), row("b", 1)]
    );
    assert_eq!(
        summary_by_device(&[alone("a"), [Some("b"), Some("a")]]),
        [row("a", 2), row("b", 1)]
    );
}
