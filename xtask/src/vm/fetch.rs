//! Downloads and unpacks kernels, once: everything stays under `target/vm`.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, anyhow};

use super::{
    kernel::{Kernel, Packages},
    sources::Mirror,
};
use crate::{command, workspace::Workspace};

/// A kernel on disk, ready to be booted.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// The kernel's release, as `uname -r` prints it.
    pub(crate) version: String,
    /// Its image.
    pub(crate) vmlinuz: PathBuf,
    /// Its `lib/modules/VERSION`, with the files depmod makes.
    pub(crate) modules: PathBuf,
}

impl Unpacked {
    /// The kernel as an earlier run left it.
    pub(crate) fn cached(workspace: &Workspace, kernel: Kernel) -> Option<Self> {
        let directory = directory(workspace, kernel);
        let version = fs::read_to_string(directory.join("version")).ok()?;
        let version = version.trim().to_owned();
        let modules = directory.join("root/lib/modules").join(&version);
        let vmlinuz = [
            directory.join(format!("root/boot/vmlinuz-{version}")),
            modules.join("vmlinuz"),
        ]
        .into_iter()
        .find(|path| path.exists())?;
        Some(Self {
            version,
            vmlinuz,
            modules,
        })
    }
}

fn directory(workspace: &Workspace, kernel: Kernel) -> PathBuf {
    workspace.vm().join("kernel").join(kernel.name)
}

/// Brings each of `kernels`, in this order; one that fails does not keep the others back.
pub(crate) fn all(workspace: &Workspace, kernels: &[Kernel]) -> Vec<Result<Unpacked>> {
    let missing: Vec<_> = kernels
        .iter()
        .filter(|kernel| Unpacked::cached(workspace, **kernel).is_none())
        .collect();
    let archive = if missing.is_empty() {
        None
    } else {
        let suites: Vec<_> = missing.iter().map(|kernel| kernel.suite).collect();
        println!("fetching package lists of {}", suites.join(", "));
        Some(
            Archive::open(&workspace.vm().join("apt"), &suites)
                .map_err(|error| format!("{error:#}")),
        )
    };
    kernels
        .iter()
        .map(|kernel| {
            if let Some(unpacked) = Unpacked::cached(workspace, *kernel) {
                return Ok(unpacked);
            }
            let archive = match &archive {
                Some(Ok(archive)) => archive,
                Some(Err(why)) => return Err(anyhow!("{why}")),
                None => return Err(anyhow!("its files under target/vm are gone")),
            };
            fetch(workspace, *kernel, archive).with_context(|| {
                format!("cannot fetch kernel {} from {}", kernel.name, kernel.suite)
            })
        })
        .collect()
}

fn fetch(workspace: &Workspace, kernel: Kernel, archive: &Archive) -> Result<Unpacked> {
    let packages = kernel
        .packages(&archive.names)
        .context("the mirror has no cloud kernel of this series")?;
    let Packages { version, names } = &packages;
    println!("[{}] fetching {}", kernel.name, names.join(" "));
    let directory = directory(workspace, kernel);
    if directory.exists() {
        fs::remove_dir_all(&directory)
            .with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    let debs = directory.join("deb");
    create(&debs)?;
    let mut download = archive.apt("apt-get");
    download.args(["-q=2", "download"]).args(names);
    command::capture(
        download.current_dir(&debs),
        "check the network and the disk",
    )?;

    let root = directory.join("root");
    create(&root)?;
    for deb in fs::read_dir(&debs).context("cannot list what was downloaded")? {
        let deb = deb.context("cannot list what was downloaded")?.path();
        let mut unpack = command::installed("dpkg-deb")?;
        unpack.arg("-x").arg(&deb).arg(&root);
        command::run(&mut unpack, "is the disk full?")?;
    }
    if !root.join("lib").exists() {
        symlink("usr/lib", root.join("lib")).context("cannot link lib to usr/lib")?;
    }
    let mut depmod = command::installed("depmod")?;
    depmod.arg("-b").arg(&root).arg(version);
    command::capture(&mut depmod, "remove target/vm and try again")?;
    // Last: its presence says that the rest is whole.
    fs::write(directory.join("version"), version).context("cannot write the kernel's version")?;
    Unpacked::cached(workspace, kernel).context("the packages hold no kernel image")
}

fn create(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))
}

/// apt over a configuration of our own, which leaves the machine's alone.
struct Archive {
    directory: PathBuf,
    /// Every package name, one a line.
    names: String,
}

impl Archive {
    fn open(directory: &Path, suites: &[&str]) -> Result<Self> {
        let mirror = Mirror::of_this_machine()?;
        create(&directory.join("lists/partial"))?;
        create(&directory.join("cache/archives/partial"))?;
        let lines: String = suites.iter().map(|suite| mirror.line(suite)).collect();
        fs::write(directory.join("sources.list"), lines).context("cannot write sources.list")?;
        let mut archive = Self {
            directory: directory.to_path_buf(),
            names: String::new(),
        };
        let remedy = "check the network and that the mirror carries these suites";
        let mut update = archive.apt("apt-get");
        command::capture(update.args(["-q=2", "--error-on=any", "update"]), remedy)?;
        let mut names = archive.apt("apt-cache");
        archive.names = command::capture(names.args(["pkgnames", "linux-"]), remedy)?;
        Ok(archive)
    }

    fn apt(&self, program: &str) -> Command {
        let path = |name: &str| self.directory.join(name).display().to_string();
        let mut command = Command::new(program);
        for option in [
            format!("Dir::Etc::sourcelist={}", path("sources.list")),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::lists={}", path("lists")),
            format!("Dir::Cache={}", path("cache")),
            "APT::Sandbox::User=root".to_owned(),
            "APT::Architecture=amd64".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }
}
