//! `netdrop path`

use std::{
    io,
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};

use super::{
    counters::listener,
    duration,
    fault::Usage,
    options::{self, FormatArg},
    print,
    signals::Signals,
    tracer::Tracer,
};
use crate::{
    host::{
        counters::Snapshot,
        netns::{self, Identity, Namespaces, NetnsKind},
    },
    output::{
        escape::escape,
        path::{self as output, Heading, Options},
        text::Layout,
    },
    path::{self, Journey, Reach},
};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Show what was counted in this time, for example 5s, instead of since boot:
    /// only that tells what is wrong now
    #[arg(long, value_name = "TIME", value_parser = duration::parse_interval, allow_hyphen_values = true)]
    interval: Option<Duration>,

    /// Trace drops meanwhile and hold the counters of loss against them: what each
    /// counted, what the drops explain and what remains
    #[arg(long, requires = "interval")]
    trace: bool,

    /// Intervals to show
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        requires = "interval",
        value_parser = options::at_least_one::<u64>,
        allow_hyphen_values = true
    )]
    count: u64,

    /// The network namespace: a name (as in `ip netns`, of a container, or `host`),
    /// a path, a process's number, or the namespace's inode number
    #[arg(long, value_name = "NAME|PATH|PID|INODE")]
    netns: Option<String>,

    /// Show counters that counted nothing, too
    #[arg(long)]
    all: bool,

    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,

    /// No colours
    #[arg(long, help = "No colours, as with the environment variable NO_COLOR")]
    no_color: bool,
}

const EXAMPLES: &str = "\
Examples:
  netdrop path                       every stage: what was counted since boot, what is set
  netdrop path --interval 5s         what was counted in 5 seconds, and what is wrong
  netdrop path --interval 5s --trace and which drops explain it
  netdrop path --netns shop          in another network namespace, by name
  netdrop path --netns 1234          in that of process 1234
  netdrop path --netns /run/netns/a  in that at a path
  netdrop path --interval 10s --format json | jq -r '.findings[] | .finding, .remedy'

Needs no privileges for what everybody may read; root sees the processes of others, other
network namespaces and the drivers' own counters. netdrop changes no setting.";

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let target = args.netns.as_deref().map(find).transpose()?;
    // A thread of its own, since it may leave its namespace.
    thread::Builder::new()
        .name("netns".to_owned())
        .spawn(move || within(&args, target))
        .context("cannot start a thread")?
        .join()
        .unwrap_or_else(|_| Err(anyhow!("the thread in the network namespace ended early")))
}

/// A namespace to enter.
pub(super) struct Target {
    inode: u32,
    path: PathBuf,
    identity: Option<Identity>,
}

impl Target {
    /// Its inode number and path.
    pub(super) fn place(self) -> (u32, PathBuf) {
        (self.inode, self.path)
    }
}

fn within(args: &Args, target: Option<Target>) -> anyhow::Result<ExitCode> {
    let mut namespaces = netns::all();
    let host = namespaces.iter().find_map(|(inode, namespace)| {
        let kind = namespace.identity.as_ref()?.kind;
        (kind == NetnsKind::Host).then(|| (*inode, namespace.path.clone()))
    });
    let host = host.filter(|(inode, _)| match &target {
        Some(target) => target.inode != *inode,
        None => netns::own().is_ok_and(|own| own != *inode),
    });
    let reach = reach(target.as_ref(), &namespaces);
    let identity = match target {
        Some(Target {
            inode,
            path,
            identity,
        }) => {
            netns::enter(inode, &path).with_context(|| {
                format!(
                    "cannot enter the network namespace {inode}; that needs CAP_SYS_ADMIN: run \
                     with sudo"
                )
            })?;
            identity
        }
        None => netns::own()
            .ok()
            .and_then(|inode| namespaces.remove(&inode)?.identity),
    };
    // Without privileges /sys stays as it is, mostly that of this namespace.
    if let Err(error) = own_sysfs() {
        log::debug!("cannot mount /sys: {error}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the timer")?;
    runtime.block_on(reports(args, identity.as_ref(), host, &reach))
}

/// How the commands of remedies get where they are meant to run, from the caller's
/// namespace.
fn reach(target: Option<&Target>, namespaces: &Namespaces) -> Reach {
    let own = netns::own().ok();
    let here = target.filter(|target| Some(target.inode) != own);
    let here = here.map(|target| match &target.identity {
        Some(identity) if identity.kind == NetnsKind::Named => Ok(&*identity.name),
        _ => Err(target.path.as_path()),
    });
    let first = namespaces.iter().find(|(inode, namespace)| {
        let identity = namespace.identity.as_ref();
        Some(**inode) != own && identity.is_some_and(|it| it.kind == NetnsKind::Host)
    });
    Reach::new(here, first.map(|(_, namespace)| namespace.path.as_path()))
}

/// Lets this thread see `/sys` as its network namespace has it, and nobody else.
fn own_sysfs() -> io::Result<()> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("sysfs"), "/sys", Some("sysfs"), flags, NONE)?;
    Ok(())
}

async fn reports(
    args: &Args,
    identity: Option<&Identity>,
    host: Option<(u32, PathBuf)>,
    reach: &Reach,
) -> anyhow::Result<ExitCode> {
    let Args {
        interval,
        count,
        all,
        format,
        no_color,
        trace,
        netns: _,
    } = args;
    let options = Options { all: *all };
    let layout = options::layout(*no_color);
    let wanted = path::wanted(host);
    let mut signals = Signals::listen()?;
    let mut tracer = match trace {
        true => Some(Tracer::start(
            netns::own().context("cannot tell the network namespace")?,
        )?),
        false => None,
    };
    let mut listener = interval.and_then(|_| listener());
    let mut before = Snapshot::after(&wanted, listener.as_mut());
    if let Some(tracer) = &mut tracer {
        tracer.first(&before);
    }
    let Some(interval) = interval else {
        show(
            &Journey::of(&before, None, reach),
            identity,
            *format,
            layout,
            options,
        )?;
        return Ok(ExitCode::SUCCESS);
    };
    for _ in 0..*count {
        let end = before.taken + *interval;
        let rest = end.saturating_duration_since(Instant::now());
        // What was counted until a signal came is shown, too.
        let ended = tokio::select! {
            () = tokio::time::sleep(rest) => false,
            () = signals.next() => true,
        };
        let now = Snapshot::after(&wanted, listener.as_mut());
        let mut journey = Journey::of(&now, Some(&before), reach);
        if let Some(tracer) = &mut tracer {
            journey.reconciliation = Some(tracer.interval(&now)?);
        }
        show(&journey, identity, *format, layout, options)?;
        if ended {
            break;
        }
        before = now;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(
    journey: &Journey,
    identity: Option<&Identity>,
    format: FormatArg,
    layout: Layout,
    options: Options,
) -> anyhow::Result<()> {
    let system = nix::sys::utsname::uname().context("cannot read the kernel's release")?;
    let heading = Heading {
        time: Timestamp::now(),
        host: system.nodename().to_string_lossy().into_owned(),
        kernel: system.release().to_string_lossy().into_owned(),
        identity,
    };
    let mut bytes = Vec::new();
    match format {
        FormatArg::Text => bytes.extend(output::text(journey, &heading, layout, options).bytes()),
        FormatArg::Json => output::json::write(&mut bytes, journey, &heading),
    }
    print::all(&bytes)
}

/// Inode numbers of namespaces are greater than any process's number
/// (`PROC_DYNAMIC_FIRST`, fs/proc/generic.c; `PID_MAX_LIMIT`).
const FIRST_INODE: u32 = 0xEFFF_0000;

pub(super) fn find(text: &str) -> Result<Target, Usage> {
    let mut namespaces = netns::all();
    if text.contains('/') {
        let path = PathBuf::from(text);
        let inode = netns::at(&path).map_err(|error| {
            Usage(format!(
                "there is no network namespace at {text}: {error}; paths are such as \
                 /run/netns/NAME and /proc/PID/ns/net"
            ))
        })?;
        let known = namespaces.remove(&inode);
        return Ok(Target {
            inode,
            path,
            identity: known.and_then(|namespace| namespace.identity),
        });
    }
    let named = namespaces.iter().find(|(_, namespace)| {
        let identity = namespace.identity.as_ref();
        identity.is_some_and(|identity| &*identity.name == text)
    });
    let inode = match (named, text.parse::<u32>()) {
        (Some((inode, _)), _) => Ok(*inode),
        (None, Ok(number)) => numbered(number),
        (None, Err(_)) => Err(format!("no network namespace is called '{text}'")),
    };
    let found = inode.and_then(|inode| {
        let namespace = namespaces.remove(&inode);
        let namespace = namespace.ok_or_else(|| format!("there is no network namespace {inode}"));
        Ok((inode, namespace?))
    });
    let (inode, namespace) = found.map_err(|why| {
        Usage(format!(
            "{why}; {}, and the number of a process in it does as well",
            listed(&namespaces)
        ))
    })?;
    Ok(Target {
        inode,
        path: namespace.path,
        identity: namespace.identity,
    })
}

/// The inode number of a namespace by its own number or by that of a process in it.
fn numbered(number: u32) -> Result<u32, String> {
    if number >= FIRST_INODE {
        return Ok(number);
    }
    netns::of(number).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied if nix::unistd::geteuid().is_root() => format!(
            "the network namespace of process {number} may not be looked at, even by root here \
             (no CAP_SYS_PTRACE)"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "the network namespace of process {number} may not be looked at without \
             CAP_SYS_PTRACE: run with sudo"
        ),
        io::ErrorKind::NotFound => {
            format!("no network namespace and no process has the number {number}")
        }
        _ => format!("the network namespace of process {number} cannot be found: {error}"),
    })
}

/// The namespaces that there are, those with a name first.
fn listed(namespaces: &Namespaces) -> String {
    const MOST: usize = 8;
    let mut names: Vec<(bool, String)> = namespaces
        .iter()
        .map(|(inode, namespace)| match &namespace.identity {
            Some(identity) => (false, escape(&identity.name).into_owned()),
            None => (true, inode.to_string()),
        })
        .collect();
    names.sort();
    let more = names.len().saturating_sub(MOST);
    let names: Vec<String> = names.into_iter().take(MOST).map(|(_, name)| name).collect();
    match (names.is_empty(), more) {
        (true, _) => "none can be seen from here".to_owned(),
        (false, 0) => format!("there are: {}", names.join(", ")),
        (false, more) => format!("there are: {} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_found_by_process_by_path_and_by_inode() {
        let own = netns::own().unwrap();
        let path = format!("/proc/{}/ns/net", std::process::id());
        for text in [std::process::id().to_string(), own.to_string(), path] {
            assert_eq!(find(&text).map(|found| found.inode).unwrap(), own);
        }
        let said = |text: &str| find(text).map(|found| found.inode).unwrap_err().to_string();
        let missing = said("no-such-namespace");
        assert!(missing.starts_with("no network namespace is called 'no-such-namespace'; there"));
        for elsewhere in ["/no/such/file", "/dev/null", "/proc/self/ns/mnt"] {
            assert!(said(elsewhere).contains("no network namespace at"));
        }
        assert!(said("4294967295").starts_with("there is no network namespace 4294967295;"));
        for number in ["0", "4000000"] {
            let said = said(number);
            let wanted = format!("no network namespace and no process has the number {number};");
            assert!(said.starts_with(&wanted), "{said}");
            assert!(!said.contains("sudo"), "{said}");
        }
    }
}
