//! What of a filter is decided where, for people.

use crate::filter::plan::Plan;

/// A sentence for each place that decides anything. Names in it are as they were
/// given: they may hold anything.
#[must_use]
pub fn sentences(plan: &Plan) -> Vec<String> {
    let parts = [
        ("in the kernel", plan.kernel()),
        ("in user space", plan.user()),
    ];
    parts
        .into_iter()
        .filter_map(|(place, part)| Some(format!("filter, decided {place}: {}", part?)))
        .collect()
}

/// Why the kernel decides nothing although it could, and what that costs.
#[must_use]
pub fn overflow(plan: &Plan) -> Option<String> {
    let why = plan.overflow()?;
    Some(format!(
        "filter: too large for the kernel, so every drop counts a flow: {why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{names::System, parse};

    fn told(text: &str) -> (Vec<String>, Option<String>) {
        let expr = parse(text, &System { reasons: None }).unwrap().unwrap();
        let plan = Plan::new(&expr).unwrap();
        (sentences(&plan), overflow(&plan))
    }

    #[test]
    fn every_place_is_named_and_what_has_no_room() {
        let (sentences, overflow) = told("udp and dev eth0");
        assert_eq!(
            sentences,
            [
                "filter, decided in the kernel: udp",
                "filter, decided in user space: dev eth0"
            ]
        );
        assert_eq!(overflow, None);
        let hosts: Vec<String> = (0..80).map(|it| format!("dst host 10.0.0.{it}")).collect();
        let (sentences, overflow) = told(&hosts.join(" or "));
        assert_eq!(sentences.len(), 1);
        assert!(sentences[0].starts_with("filter, decided in user space: "));
        let overflow = overflow.unwrap();
        assert!(
            overflow.contains("every drop counts a flow: it takes 81 steps"),
            "{overflow}"
        );
    }
}
