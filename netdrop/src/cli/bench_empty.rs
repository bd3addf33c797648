//! `netdrop bench-empty`: attaches a program that does nothing, until a signal.
//! Only `cargo xtask bench` asks for it.

use std::process::ExitCode;

use super::{session, signals::Signals};
use crate::kernel::load::Empty;

/// What `cargo xtask bench` says.
pub(super) const WORD: &str = "bench-empty";

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
