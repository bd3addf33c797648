//! Keys and the mouse, read by a thread of their own.

use std::thread;

use anyhow::Context as _;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::tui::state::{Action, State};

/// What the terminal says.
#[derive(Debug)]
pub(in crate::cli) struct Keyboard(UnboundedReceiver<Event>);

impl Keyboard {
    /// Listens until the process ends.
    pub(in crate::cli) fn listen() -> anyhow::Result<Self> {
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

    /// The next key, click or change of size; `None` when the terminal is gone.
    pub(in crate::cli) async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

/// Hands it to the interface.
pub(in crate::cli) fn take(state: &mut State, event: Event) -> Action {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => state.key(key),
        Event::Mouse(event) => state.mouse(event),
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
