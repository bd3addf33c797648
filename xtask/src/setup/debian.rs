//! Programs from Debian's packages, installed only when the program itself is missing.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{command, workspace::Workspace};

/// A program and the package that brings it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    program: &'static str,
    package: &'static str,
}

const fn need(program: &'static str, package: &'static str) -> Need {
    Need { program, package }
}

/// For the lab, on this kernel and on emulated ones.
pub(crate) const TEST: [Need; 21] = [
    // For libFuzzer.
    need("c++", "g++"),
    need("qemu-system-x86_64", "qemu-system-x86"),
    need("busybox", "busybox-static"),
    need("ip", "iproute2"),
    need("tc", "iproute2"),
    need("nstat", "iproute2"),
    need("ss", "iproute2"),
    need("nft", "nftables"),
    need("iptables", "iptables"),
    need("iptables-legacy", "iptables"),
    need("tcpdump", "tcpdump"),
    need("ethtool", "ethtool"),
    need("conntrack", "conntrack"),
    need("sysctl", "procps"),
    need("depmod", "kmod"),
    need("bpftool", "bpftool"),
    need("xz", "xz-utils"),
    need("zstd", "zstd"),
    need("conntrack", "conntrack"),
    // What opens netdrop's files as their readers do.
    need("tshark", "tshark"),
    need("chromium-headless-shell", "chromium-headless-shell"),
];

/// Checks metrics as Prometheus reads them; the package is a server, which nobody asked for.
pub(crate) const PROMTOOL: Need = need("promtool", "prometheus");

/// For measuring netdrop.
pub(crate) const MEASURE: [Need; 3] = [
    need("ip", "iproute2"),
    need("sysctl", "procps"),
    need("bpftool", "bpftool"),
];

/// For measuring its neighbours.
pub(crate) const NEIGHBOURS: [Need; 2] = [need("bpftrace", "bpftrace"), need("perf", "linux-perf")];

/// Installs the packages of the programs that are missing.
///
/// # Errors
/// When there is no apt-get, no right to use it, or it fails; the error says what to install.
pub(crate) fn install(needs: &[Need]) -> Result<()> {
    let packages = missing(needs, |program| command::find(program).is_some());
    install_packages(&packages)?;
    match missing(needs, |program| command::find(program).is_some()).as_slice() {
        [] => Ok(()),
        rest => bail!(
            "apt-get brought no program of these packages: {}",
            rest.join(" ")
        ),
    }
}

/// Installs packages, if there are any to install.
pub(super) fn install_packages(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let wanted = packages.join(" ");
    if command::find("apt-get").is_none() {
        bail!("programs are missing; install what corresponds to Debian's packages: {wanted}");
    }
    if !nix::unistd::geteuid().is_root() {
        bail!("programs are missing; install them with: sudo apt-get install {wanted}");
    }
    println!("setup: installing from Debian: {wanted}");
    let remedy = format!("install by hand: {wanted}");
    let mut update = apt_get();
    command::run(update.args(["-q=2", "update"]), &remedy)?;
    let mut install = apt_get();
    install.args(["-q=2", "install", "--yes", "--no-install-recommends"]);
    command::run(install.args(packages), &remedy)
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "Dpkg::Use-Pty=0"]);
    command
}

/// Takes one program out of a package that would bring a service with it, into `target/tools`.
///
/// # Errors
/// When it is missing and there is no apt-get, or no network.
pub(crate) fn unpack(workspace: &Workspace, need: Need) -> Result<()> {
    let Need { program, package } = need;
    let tools = workspace.tools();
    let place = tools.join("bin").join(program);
    if place.exists() || command::find(program).is_some() {
        return Ok(());
    }
    if command::find("apt-get").is_none() {
        bail!("`{program}` is missing; install what corresponds to Debian's package {package}");
    }
    println!(
        "setup: unpacking {program} of Debian's {package} into {}",
        tools.display()
    );
    let remedy = format!("check the network, or put `{program}` into the PATH");
    if nix::unistd::geteuid().is_root() {
        command::run(apt_get().args(["-q=2", "update"]), &remedy)?;
    }
    let folder = tools.join(package);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut download = apt_get();
    download
        .args(["-q=2", "-o", "APT::Sandbox::User=root", "download", package])
        .current_dir(&folder);
    command::capture(&mut download, &remedy)?;
    let root = folder.join("root");
    for file in fs::read_dir(&folder).context("cannot list what was downloaded")? {
        let file = file.context("cannot list what was downloaded")?.path();
        let mut unpack = command::installed("dpkg-deb")?;
        command::run(unpack.arg("-x").arg(file).arg(&root), "is the disk full?")?;
    }
    fs::create_dir_all(tools.join("bin")).context("cannot create target/tools/bin")?;
    // The whole package is of no use beside it. Last: its presence says that all is done.
    fs::rename(root.join("usr/bin").join(program), &place)
        .with_context(|| format!("Debian's {package} brought no {program}"))?;
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// The packages of the programs that are not there, each once.
fn missing(needs: &[Need], is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut packages: Vec<_> = needs
        .iter()
        .filter(|need| !is_there(need.program))
        .map(|need| need.package)
        .collect();
    packages.dedup();
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_missing_when_every_program_is_there() {
        assert!(missing(&TEST, |_| true).is_empty());
    }

    #[test]
    fn a_package_with_two_programs_is_named_once() {
        let packages = missing(&TEST, |program| !matches!(program, "ip" | "tc" | "nft"));
        assert_eq!(packages, ["iproute2", "nftables"]);
    }
}
