//! How often the kernel called netdrop's drop program: the kernel's own numbers,
//! held against where netdrop says that every call went.

use std::cell::OnceCell;

use anyhow::{Context as _, Result, bail};

use super::{Netdrop, objects, record::Run};
use crate::sys::{Calls, Object, Program};

/// The name of the drop program in the kernel.
const PROGRAM: &str = "kfree_skb";

/// A look at the drop program of a running netdrop. It keeps the program in the
/// kernel, so that it can be read after the end.
pub(super) struct Firings {
    program: Program,
    at_ready: Calls,
    before_end: OnceCell<Calls>,
}

/// Limits for the calls that netdrop accounts for. Its counting begins between
/// the attaching and `ready`, and ends between the signal and the detaching. Both
/// moments are short; on a host that drops nothing in them the limits are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// From `ready` to just before the signal; none without a signal.
    least: Calls,
    /// From the attaching to the detaching.
    most: Calls,
}

impl Firings {
    /// Takes the first reading; to be called at `ready`.
    pub(super) fn at_ready(netdrop: &Netdrop) -> Result<Self> {
        for (object, id) in objects::held_by(netdrop)? {
            if object != Object::Program {
                continue;
            }
            let program = Program::open(id).context("cannot open a program of netdrop")?;
            if program.name()? == PROGRAM {
                return Ok(Self {
                    at_ready: program.calls()?,
                    program,
                    before_end: OnceCell::new(),
                });
            }
        }
        bail!("netdrop is ready and holds no program {PROGRAM:?}")
    }

    /// Takes the reading before the end; only the first call counts.
    pub(super) fn before_end(&self) -> Result<()> {
        let calls = self.program.calls()?;
        self.before_end.get_or_init(|| calls);
        Ok(())
    }

    /// Takes the last reading; to be called when netdrop has ended.
    pub(super) fn at_end(self) -> Result<Bounds> {
        let Self {
            program,
            at_ready,
            before_end,
        } = self;
        // Without a signal nobody knows what was before the end.
        let before = before_end.into_inner().unwrap_or(at_ready);
        Ok(Bounds {
            least: Calls {
                runs: before.runs - at_ready.runs,
                missed: before.missed - at_ready.missed,
            },
            most: program.calls()?,
        })
    }
}

impl Bounds {
    /// What does not add up: calls that are nowhere, or more than there were.
    pub(super) fn against(self, run: &Run) -> Vec<String> {
        let Self { least, most } = self;
        let accounting = &run.summary.accounting;
        let limits = [
            (
                "counted + parts + filtered + undecided",
                accounting.runs(),
                least.runs..=most.runs,
            ),
            (
                "recursion_missed",
                accounting.recursion_missed.unwrap_or(0),
                least.missed..=most.missed,
            ),
        ];
        limits
            .into_iter()
            .filter(|(_, told, limits)| !limits.contains(told))
            .map(|(what, told, limits)| {
                format!(
                    "{what} is {told}; by the kernel's count of the program it is {} to {}: {accounting:?}",
                    limits.start(),
                    limits.end(),
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn calls(runs: u64, missed: u64) -> Calls {
        Calls { runs, missed }
    }

    fn run(counted: u64, parts: u64, missed: Option<u64>) -> Run {
        let summary = serde_json::json!({
            "type": "summary", "time": "", "seconds": 1.0,
            "totals": { "drops": counted, "packets": 0, "bytes": 0, "harmful": 0, "suspicious": 0,
                "benign": 0, "hidden": 0 },
            "accounting": { "counted": counted, "filtered": 0, "undecided": 0, "rejected": 0, "parts": parts,
                "recursion_missed": missed, "flow_other": null, "no_flow": null, "site_other": 0,
                "delivered": 0, "ring_lost": 0, "sampled_out": 0, "unparsed": 0, "output_lost": 0 },
            "traffic": { "rx_packets": null, "tx_packets": null, "napi_polls": null,
                "napi_full": null, "time_squeeze": null },
            "rows": [], "histograms": null, "reconciliation": null, "reconciled": null,
        });
        let ready = serde_json::json!({ "type": "ready", "schema": 1, "time": "", "version": "",
            "host": "", "kernel": "", "filter": { "text": null, "kernel": null, "user": null, "overflow": null },
            "hooks": [], "warnings": [] });
        let records = [ready, summary].map(|line| serde_json::from_value(line).unwrap());
        Run::new(records.into(), None).unwrap()
    }

    #[test]
    fn every_run_must_be_somewhere() {
        let bounds = Bounds {
            least: calls(60, 0),
            most: calls(62, 0),
        };
        assert!(bounds.against(&run(10, 50, Some(0))).is_empty());
        assert!(bounds.against(&run(12, 50, None)).is_empty());
        assert_eq!(bounds.against(&run(9, 50, Some(0))).len(), 1);
        assert_eq!(bounds.against(&run(13, 50, Some(0))).len(), 1);
    }

    #[test]
    fn what_the_kernel_skipped_must_be_told() {
        let bounds = Bounds {
            least: calls(5, 2),
            most: calls(5, 2),
        };
        assert!(bounds.against(&run(5, 0, Some(2))).is_empty());
        assert_eq!(bounds.against(&run(5, 0, Some(1))).len(), 1);
        assert_eq!(bounds.against(&run(5, 0, None)).len(), 1);
    }
}
