//! Where things are: the repository, its target directory, and cargo with our own tools in reach.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// The repository this xtask was built from.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the repository and the target directory that cargo uses.
    pub(crate) fn locate() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => root.join(target),
            None => root.join("target"),
        };
        Self { root, target }
    }

    /// The repository.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// cargo's output directory.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where `cargo install` puts our own tools.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// What the kernel matrix downloads and writes.
    pub(crate) fn vm(&self) -> PathBuf {
        self.target.join("vm")
    }

    /// A binary of the release build.
    pub(crate) fn release(&self, binary: &str) -> PathBuf {
        self.target.join("release").join(binary)
    }

    /// A program that runs in the repository, with our own tools first in `PATH`.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("PATH", self.path());
        command
    }

    /// The cargo that started us.
    pub(crate) fn cargo(&self) -> Command {
        self.command(&env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
    }

    fn path(&self) -> OsString {
        let mut path = self.tools().join("bin").into_os_string();
        if let Some(rest) = env::var_os("PATH").filter(|rest| !rest.is_empty()) {
            path.push(":");
            path.push(rest);
        }
        path
    }
}
