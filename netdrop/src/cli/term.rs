//! What the terminal's name says of it.

use std::{env, ffi::OsStr};

/// Does the terminal understand escape sequences, by its name? One without a
/// name may not.
pub(super) fn takes_escapes() -> bool {
    is_known(env::var_os("TERM").as_deref())
}

/// Has the terminal colours, by its name?
pub(super) fn has_colours() -> bool {
    are_colours_known(env::var("TERM").ok().as_deref())
}

fn is_known(name: Option<&OsStr>) -> bool {
    name.is_some_and(|name| !name.is_empty() && name != "dumb")
}

/// All but a few have.
fn are_colours_known(name: Option<&str>) -> bool {
    const WITHOUT: [&str; 5] = ["vt52", "vt100", "vt102", "vt220", "vt320"];
    let name = name.unwrap_or_default();
    let (base, kind) = name.split_once('-').unwrap_or((name, ""));
    !WITHOUT.contains(&base) && !matches!(kind, "m" | "mono")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_without_colours_is_known_by_its_name() {
        for name in ["vt100", "vt220-8bit", "xterm-mono", "linux-m"] {
            assert!(!are_colours_known(Some(name)), "{name}");
        }
        for name in ["xterm", "xterm-256color", "screen", "tmux-direct", "linux"] {
            assert!(are_colours_known(Some(name)), "{name}");
        }
    }

    #[test]
    fn a_dumb_terminal_and_one_without_a_name_get_no_escapes() {
        let known = |name: &str| is_known(Some(name.as_ref()));
        assert!(known("xterm-256color") && known("vt100") && known("linux"));
        assert!(!known("dumb") && !known("") && !is_known(None));
    }
}
