//! `netdrop completions SHELL`

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::print;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    print::all(&script(args.shell))?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::Cli::command(), "netdrop", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use clap_complete::Shell;

    #[test]
    fn every_shell_completes_commands_and_nothing_hidden() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(super::script(*shell)).unwrap();
            assert!(script.contains("doctor"), "{shell}");
            assert!(!script.contains("bench"), "{shell}");
        }
    }
}
