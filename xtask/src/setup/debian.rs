//! Programs from Debian's packages, installed only when the program itself is missing.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command;

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
pub(crate) const TEST: [Need; 17] = [
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
    need("sysctl", "procps"),
    need("depmod", "kmod"),
    need("bpftool", "bpftool"),
    need("xz", "xz-utils"),
    need("zstd", "zstd"),
];

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
    command::run(install.args(&packages), &remedy)?;

    match missing(needs, |program| command::find(program).is_some()).as_slice() {
        [] => Ok(()),
        rest => bail!(
            "apt-get brought no program of these packages: {}",
            rest.join(" ")
        ),
    }
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "Dpkg::Use-Pty=0"]);
    command
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
