//! The signals that end a run cleanly.

use anyhow::Context as _;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT: a terminal that was taken is given back
/// by the end of a run, whoever asks for it.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    quit: Signal,
}

impl Signals {
    /// From now on they no longer kill.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot install a signal handler");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            quit: listen(SignalKind::quit())?,
        })
    }

    /// Waits for one of them.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
            _ = self.quit.recv() => {}
        }
    }

    /// Waits for one that comes at this time or later.
    pub(super) async fn after(&mut self, time: Instant) {
        loop {
            self.next().await;
            if Instant::now() >= time {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::sys::signal::{self, Signal};
    use tokio::time::{sleep, timeout};

    use super::{Instant, Signals};

    #[test]
    fn every_signal_that_asks_for_an_end_is_heard() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut signals = Signals::listen().unwrap();
            for asked in [
                Signal::SIGINT,
                Signal::SIGTERM,
                Signal::SIGHUP,
                Signal::SIGQUIT,
            ] {
                signal::raise(asked).unwrap();
                let heard = timeout(Duration::from_secs(10), signals.next());
                assert!(heard.await.is_ok(), "{asked}");
            }
        });
    }

    #[test]
    fn a_signal_that_comes_twice_at_once_is_one() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut signals = Signals::listen().unwrap();
            signal::raise(Signal::SIGHUP).unwrap();
            signals.next().await;
            let soon = Instant::now() + Duration::from_millis(100);
            signal::raise(Signal::SIGHUP).unwrap();
            let again = timeout(Duration::from_millis(50), signals.after(soon));
            assert!(again.await.is_err());
            sleep(Duration::from_millis(60)).await;
            signal::raise(Signal::SIGHUP).unwrap();
            signals.after(soon).await;
        });
    }
}
