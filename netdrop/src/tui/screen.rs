//! The terminal while the interface has it, and its way back to what it was, by
//! every exit: a guard for ends and errors, a hook for panics.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd as _,
    panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
    clipboard,
    pen::{Pen, Waiting},
    state::State,
    theme::Theme,
    view,
};

/// How long a terminal that stands still may keep us from leaving.
const GRACE: Duration = Duration::from_secs(2);

/// Is the terminal ours?
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Does the terminal tell of the mouse?
static MOUSE: AtomicBool = AtomicBool::new(false);

/// What is on its way to the terminal, for whoever must write behind it.
static WAITING: Mutex<Option<Waiting>> = Mutex::new(None);

/// Tell of buttons and the wheel, with places of any size. Movements would only
/// keep the link busy.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

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
        *WAITING.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiting.clone());
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

    /// Lets the terminal tell of the mouse, or leave it to the terminal's own
    /// selection.
    ///
    /// # Errors
    ///
    /// When the writer has ended.
    pub fn mouse(&mut self, on: bool) -> io::Result<()> {
        if MOUSE.swap(on, Ordering::SeqCst) == on {
            return Ok(());
        }
        let backend = self.terminal.backend_mut();
        backend.write_all(if on { MOUSE_ON } else { MOUSE_OFF })?;
        Write::flush(backend)
    }

    /// Gives a text to the terminal's clipboard, if the terminal takes it: it
    /// does not tell.
    ///
    /// # Errors
    ///
    /// When the writer has ended.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let backend = self.terminal.backend_mut();
        backend.write_all(clipboard::sequence(text).as_bytes())?;
        Write::flush(backend)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Leaving twice would put the cursor over what was written since.
        if !TAKEN.swap(false, Ordering::SeqCst) {
            return;
        }
        // By the pen's thread: a terminal that stands still must not hold us up.
        if leave(self.terminal.backend_mut()).is_ok() {
            let _ = self.waiting.wait(GRACE);
        }
        let _ = disable_raw_mode();
    }
}

fn leave(out: &mut impl Write) -> io::Result<()> {
    if MOUSE.swap(false, Ordering::SeqCst) {
        out.write_all(MOUSE_OFF)?;
    }
    execute!(out, LeaveAlternateScreen, cursor::Show)
}

/// Gives the terminal back as it was, unless that has been done.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // A picture that is still on its way would come behind.
        let waiting = WAITING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waiting) = waiting {
            let _ = waiting.wait(GRACE);
        }
        let _ = leave(&mut io::stdout());
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

#[cfg(test)]
mod tests;
