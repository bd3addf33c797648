//! On which side of the path a packet died: most stages are on one, a few are
//! passed on both.

use super::stage::Stage;

/// A side of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// From the card down to the socket, and through to forwarding.
    Receiving,
    /// From the socket down to the card.
    Sending,
    /// On neither.
    Beside,
}

/// A stage as packets of one side pass it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Passage {
    /// The stage.
    pub stage: Stage,
    /// The side.
    pub side: Side,
}

impl Side {
    /// The side that a stage is on by itself.
    #[must_use]
    pub fn home(stage: Stage) -> Self {
        match stage.info().path {
            "rx" => Self::Receiving,
            "tx" => Self::Sending,
            _ => Self::Beside,
        }
    }

    /// Its stages in path order. What is sent passes netfilter behind the IP
    /// layer, and there may be other stages of the receiving side of which `sent`
    /// knows that they lost packets on their way out.
    #[must_use]
    pub fn stages(self, sent: impl Fn(Stage) -> bool) -> Vec<Stage> {
        let mut stages = Vec::new();
        for stage in Stage::all().filter(|stage| Self::home(*stage) == self) {
            stages.push(stage);
            if stage == Stage::TX_IP {
                stages.extend(Stage::all().filter(|stage| {
                    Self::home(*stage) == Self::Receiving
                        && (*stage == Stage::NETFILTER || sent(*stage))
                }));
            }
        }
        stages
    }
}

impl Passage {
    /// Where a packet died: in a stage of the receiving side that sent packets
    /// pass, too, its hook tells the side, or, where there is none, its direction.
    #[must_use]
    pub fn of(stage: Stage, hook: Option<&str>, direction: Option<&str>) -> Self {
        const OUT: [&str; 3] = ["output", "postrouting", "egress"];
        let is_out = || match (hook, direction) {
            (Some(hook), _) => OUT.contains(&hook),
            (None, direction) => direction == Some("tx"),
        };
        let side = match Side::home(stage) {
            Side::Receiving if is_out() => Side::Sending,
            home => home,
        };
        Self { stage, side }
    }

    /// Its name for people, with the side where there is another one.
    #[must_use]
    pub fn name(self) -> String {
        let Self { stage, side } = self;
        let name = stage.info().name;
        if side != Side::home(stage) {
            format!("{name}, on the way out")
        } else if stage == Stage::NETFILTER {
            format!("{name}, on the way in or through")
        } else {
            name.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_of_both_sides_is_told_apart_by_hook_or_direction() {
        use Side::{Beside, Receiving, Sending};
        let of = |stage, hook, direction| Passage::of(stage, hook, direction).side;
        let (netfilter, xfrm) = (Stage::NETFILTER, Stage::XFRM);
        assert_eq!(of(netfilter, Some("output"), Some("tx")), Sending);
        assert_eq!(of(netfilter, Some("postrouting"), Some("forward")), Sending);
        assert_eq!(of(netfilter, Some("input"), Some("rx")), Receiving);
        assert_eq!(of(netfilter, Some("forward"), Some("forward")), Receiving);
        assert_eq!(of(netfilter, None, None), Receiving);
        assert_eq!(of(xfrm, None, Some("tx")), Sending);
        assert_eq!(of(xfrm, None, Some("rx")), Receiving);
        assert_eq!(of(Stage::TX_QDISC, None, Some("rx")), Sending);
        assert_eq!(of(Stage::TUNNEL, None, Some("tx")), Beside);
    }

    #[test]
    fn every_stage_stands_once_and_netfilter_on_both_sides() {
        let all = |sent: &dyn Fn(Stage) -> bool| -> Vec<Stage> {
            [Side::Receiving, Side::Sending, Side::Beside]
                .iter()
                .flat_map(|side| side.stages(sent))
                .collect()
        };
        assert_eq!(all(&|_| false).len(), Stage::all().count() + 1);
        let sending = Side::Sending.stages(|stage| stage == Stage::XFRM);
        let place = |stage| sending.iter().position(|it| *it == stage).unwrap();
        assert_eq!(place(Stage::NETFILTER), place(Stage::TX_IP) + 1);
        assert_eq!(place(Stage::XFRM), place(Stage::TX_IP) + 2);
        assert!(!sending.contains(&Stage::RX_IP));
    }
}
