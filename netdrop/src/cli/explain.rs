//! `netdrop explain`

use std::process::ExitCode;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use super::{
    fault::Usage,
    options::{self, FormatArg},
    print,
};
use crate::{
    drops::{
        catalogue,
        explain::{Explanation, Running, StageEntry},
        stage::Stage,
    },
    kernel::{btf::Btf, reasons::ReasonNames},
    output::explain::{self, json},
};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Reasons, stages or kernel functions, in any case; without one, the map
    /// of all stages with their reasons
    #[arg(value_name = "NAME", value_parser = Names, hide_possible_values = true)]
    names: Vec<String>,

    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,

    /// No colours
    #[arg(long, help = "No colours, as with the environment variable NO_COLOR")]
    no_color: bool,
}

const EXAMPLES: &str = "\
Examples:
  netdrop explain                    every stage of the network stack and its reasons
  netdrop explain NETFILTER_DROP     a drop reason
  netdrop explain rx_backlog         a stage
  netdrop explain tcp_v4_rcv         a kernel function
  netdrop explain NO_SOCKET --format json | jq -r '.next[]'";

/// Any word; a shell completes the names of stages and reasons.
#[derive(Clone, Debug)]
struct Names;

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let reasons = catalogue::reasons()
            .map(|reason| reason.name)
            .filter(|name| !name.ends_with('*'));
        Some(Box::new(
            Stage::all()
                .map(Stage::id)
                .chain(reasons)
                .map(PossibleValue::new),
        ))
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Args {
        names,
        format,
        no_color,
    } = args;
    let running = running();
    let layout = options::layout(*no_color);
    let text = match (format, names.is_empty()) {
        (FormatArg::Text, true) => explain::map(&StageEntry::all(), &running, layout).into(),
        (FormatArg::Text, false) => explain::text(&find(names, &running)?, &running, layout).into(),
        (FormatArg::Json, bare) => {
            let found = if bare {
                StageEntry::all()
                    .into_iter()
                    .map(Explanation::Stage)
                    .collect()
            } else {
                find(names, &running)?
            };
            let mut lines = Vec::new();
            json::write(&mut lines, &found, &running);
            lines
        }
    };
    print::all(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Nothing here needs root, nor BTF.
fn running() -> Running {
    let release = nix::sys::utsname::uname().map_or_else(
        |_| "?".to_owned(),
        |system| system.release().to_string_lossy().into_owned(),
    );
    Running {
        release,
        reasons: Btf::vmlinux()
            .map(|btf| ReasonNames::load(&btf))
            .map_err(|error| error.to_string()),
    }
}

fn find(names: &[String], running: &Running) -> Result<Vec<Explanation>, Usage> {
    let mut all = Vec::new();
    for name in names {
        let found = Explanation::find(name, running);
        if found.is_empty() {
            return Err(Usage(unknown(name, running)));
        }
        all.extend(found);
    }
    Ok(all)
}

fn unknown(name: &str, running: &Running) -> String {
    let mut message = format!("'{name}' is no reason, stage or function that netdrop knows");
    let near = Explanation::nearest(name, running);
    if !near.is_empty() {
        message.push_str("; did you mean ");
        message.push_str(&near.join(", "));
        message.push('?');
    }
    if let Err(why) = &running.reasons {
        message.push_str("; the running kernel's own reasons cannot be read: ");
        message.push_str(why);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::{Running, find};

    #[test]
    fn an_unknown_name_offers_what_is_near_and_tells_what_could_not_be_asked() {
        let running = Running {
            release: "6.18.0".to_owned(),
            reasons: Err("no BTF".to_owned()),
        };
        let names = ["NO_SOCKET", "netfliter_drop"].map(str::to_owned);
        assert_eq!(
            find(&names, &running).unwrap_err().to_string(),
            "'netfliter_drop' is no reason, stage or function that netdrop knows; did you mean \
             NETFILTER_DROP?; the running kernel's own reasons cannot be read: no BTF"
        );
        assert_eq!(find(&names[..1], &running).unwrap().len(), 1);
    }
}
