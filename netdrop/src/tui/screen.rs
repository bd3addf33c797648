//! The terminal while the interface has it, and its way back to what it was, by
//! every exit: a guard for ends and errors, a hook for panics.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::AsFd as _,
    panic,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor, execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

use super::{
    pen::{Pen, Waiting},
    state::State,
    theme::Theme,
    view,
};

/// How long a terminal that stands still may keep us from leaving.
const GRACE: Duration = Duration::from_secs(2);

/// Is the terminal ours?
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, ours until this is dropped.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Pen>>,
    waiting: Waiting,
    theme: Theme,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// When standard input or output is no terminal that can be set up.
    pub fn take(theme: Theme) -> io::Result<Self> {
        let terminal = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let mut pen = Pen::new(terminal)?;
        give_back_on_panic();
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let waiting = pen.waiting();
        let taken = execute!(pen, EnterAlternateScreen, cursor::Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(pen)));
        match taken {
            Ok(terminal) => Ok(Self {
                terminal,
                waiting,
                theme,
            }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Can the terminal take another picture? A slow link gets fewer.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.waiting.is_over()
    }

    /// Draws what differs from what is there.
    ///
    /// # Errors
    ///
    /// When the terminal's size cannot be read or the writer has ended.
    pub fn draw(&mut self, state: &mut State) -> io::Result<()> {
        let theme = self.theme;
        self.terminal
            .draw(|frame| view::draw(frame, state, theme))?;
        Ok(())
    }

    /// Draws everything anew at the next occasion, since the terminal may have
    /// been written to or resized.
    ///
    /// # Errors
    ///
    /// When the writer has ended.
    pub fn forget(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let leave = execute!(
            self.terminal.backend_mut(),
            LeaveAlternateScreen,
            cursor::Show
        );
        // By the pen's thread: a terminal that stands still must not hold us up.
        if leave.is_ok() {
            let _ = self.waiting.wait(GRACE);
        }
        if TAKEN.swap(false, Ordering::SeqCst) {
            let _ = disable_raw_mode();
        }
    }
}

/// Gives the terminal back as it was, unless that has been done.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = execute!(out, LeaveAlternateScreen, cursor::Show);
        let _ = out.flush();
        let _ = disable_raw_mode();
    }
}

fn give_back_on_panic() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        give_back();
        before(info);
    }));
}
