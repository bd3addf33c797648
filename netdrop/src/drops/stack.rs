//! The stage as a kernel stack tells it.

use super::{catalogue, direction::Way, hook::Hook, stage::Stage};

/// What a stack tells. Frames are function names without the compiler's
/// suffixes, innermost first, from the one that freed the packet on.
#[must_use]
pub fn place(frames: &[&str]) -> Option<(Stage, Way)> {
    let unknown = Stage::unknown();
    frames.iter().find_map(|frame| {
        let function = catalogue::function(frame)?;
        let known = function.stage != unknown && function.stage.id() != "other";
        known.then_some((function.stage, function.way))
    })
}

/// The netfilter hook a stack went through: its innermost.
#[must_use]
pub fn hook(frames: &[&str]) -> Option<Hook> {
    let hook = frames.iter().find_map(|frame| Hook::run_by(frame))?;
    // A bridge forwards its own host's packets by the same function.
    let own = hook == Hook::Forward && frames.contains(&"br_dev_xmit");
    Some(if own { Hook::Output } else { hook })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_function_with_a_stage_tells() {
        let (stage, _) = place(&[
            "kfree_skb_list",
            "no_such_function",
            "arp_process",
            "ip_rcv",
        ])
        .unwrap();
        assert_eq!(stage.id(), "rx_nd");
        assert!(place(&["no_such_function"]).is_none());
    }

    #[test]
    fn a_stack_names_the_hook_that_was_run() {
        let stack = [
            "nft_do_chain",
            "nft_do_chain_inet",
            "nf_hook_slow",
            "ip_local_deliver",
        ];
        assert_eq!(hook(&stack), Some(Hook::Input));
        assert_eq!(
            hook(&["nf_hook_slow", "ip_rcv", "ip_forward"]),
            Some(Hook::Prerouting)
        );
        assert_eq!(
            hook(&["nf_hook_slow", "__br_forward", "br_dev_xmit"]),
            Some(Hook::Output)
        );
        assert_eq!(hook(&["nf_hook_slow"]), None);
    }
}
