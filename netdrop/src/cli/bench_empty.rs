//! `netdrop bench-empty`: hidden, for `cargo xtask bench`.

use std::process::ExitCode;

use super::{session, signals::Signals};
use crate::kernel::load::Empty;

/// Holds an empty program on `skb:kfree_skb` until a signal.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    session::run(async {
        let mut signals = Signals::listen()?;
        let attached = Empty::attach()?;
        println!("ready");
        signals.next().await;
        drop(attached);
        Ok(())
    })
}
