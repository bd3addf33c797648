//! Keys, read by a thread of their own.

use std::thread;

use anyhow::Context as _;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::tui::state::{Action, State};

/// What the terminal says.
#[derive(Debug)]
pub(super) struct Keyboard(UnboundedReceiver<Event>);

impl Keyboard {
    /// Listens until the process ends.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let (sender, events) = unbounded_channel();
        thread::Builder::new()
            .name("netdrop-keys".to_owned())
            .spawn(move || {
                while let Ok(event) = event::read() {
                    if sender.send(event).is_err() {
                        break;
                    }
                }
            })
            .context("cannot start a thread")?;
        Ok(Self(events))
    }

    /// The next key or change of size. A terminal that went away says nothing
    /// more; a signal tells of it.
    pub(super) async fn next(&mut self) -> Event {
        match self.0.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}

/// Hands it to the interface.
pub(super) fn take(state: &mut State, event: Event) -> Action {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => state.key(key),
        Event::Paste(text) => {
            state.paste(&text);
            Action::None
        }
        Event::Resize(..) => {
            state.touch();
            Action::None
        }
        _ => Action::None,
    }
}
