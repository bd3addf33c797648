//! What keys ask of a recording.

use tokio::time::Instant;

use super::Played;
use crate::{
    cli::{
        filter,
        live::{filtering::refusal, save},
        replay::checkpoints::Checkpoints,
    },
    tui::{
        player::Pressed,
        screen::Screen,
        state::{Action, editor::Refusal, replay::Go},
    },
};

impl Played {
    /// Carries out what a key asks for; tells whether it is the end.
    pub(super) fn act(&mut self, action: Action, screen: &mut Screen) -> anyhow::Result<bool> {
        match action {
            // Nothing is recorded or read of this host.
            Action::None | Action::Count | Action::Record { .. } | Action::StopRecording => {}
            Action::Quit => return Ok(true),
            Action::Save => self.save(),
            Action::Filter(text) => self.filter(&text)?,
            Action::Replay(go) => self.go(go)?,
            Action::Copy(text) => {
                screen.copy(&text)?;
                self.state
                    .say(format!("copied, if the terminal takes it: {text}"));
            }
            Action::Mouse(on) => {
                screen.mouse(on)?;
                self.state.say(if on {
                    "mouse on: click at views and rows; m turns it off to select text"
                } else {
                    "mouse off: the terminal selects text as ever"
                });
            }
        }
        Ok(false)
    }

    fn go(&mut self, go: Go) -> anyhow::Result<()> {
        match self.player.press(go, Instant::now().into_std()) {
            Pressed::Done => {}
            Pressed::Refused(why) => self.state.say(why),
            Pressed::Rewind => self.again()?,
        }
        // Whoever stopped on the way sees how far it came.
        self.stale |= self.player.at() > 0;
        Ok(())
    }

    fn save(&mut self) {
        let Some(time) = self.time else {
            self.state.say("there is nothing to save yet");
            return;
        };
        match save::save(&self.state.summary(time)) {
            Ok(name) => {
                let text = format!("saved the summary up to this interval to {name}");
                self.state.say(text.clone());
                self.remarks.push(text);
            }
            Err(error) => self.state.say(format!("{error:#}")),
        }
    }

    /// Shows the same place with another filter.
    fn filter(&mut self, text: &str) -> anyhow::Result<()> {
        let mut warnings = Vec::new();
        let filter = match filter::of_recording_with(&[text.to_owned()], &mut warnings) {
            Ok(_) if !self.source.rewinds() => {
                self.state.refuse(Refusal {
                    message: "standard input cannot be read again: give the filter at the start, \
                              or record into a file"
                        .to_owned(),
                    span: None,
                });
                return Ok(());
            }
            Ok(filter) => filter,
            Err(error) => {
                self.state.refuse(refusal(&error));
                return Ok(());
            }
        };
        self.filter = filter;
        for warning in warnings {
            self.state.say(warning.clone());
            self.remarks.push(warning);
        }
        self.checkpoints = Checkpoints::default();
        self.state.restart(&self.attached, None);
        self.shown = (0, None);
        self.player.again();
        self.again()
    }
}
