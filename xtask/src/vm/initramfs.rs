//! What a guest boots into: busybox, the release build, the lab's tools, and kernel modules.

use std::{
    fs::{self, File},
    io::BufWriter,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{
    cpio::Archive,
    fetch::Unpacked,
    kernel::Kernel,
    libraries,
    modules::{Dependencies, WANTED, narrowed_aliases, uncompressed},
};
use crate::{build, command, workspace::Workspace};

const INIT: &str = include_str!("init.sh");

/// The lab's tools, each with its libraries. busybox stands in for the rest of a system.
const TOOLS: [&str; 17] = [
    "ip",
    "tc",
    "bridge",
    "ss",
    "nstat",
    "nft",
    "iptables",
    "ip6tables",
    "iptables-nft",
    "ip6tables-nft",
    "iptables-legacy",
    "ip6tables-legacy",
    "ethtool",
    "bpftool",
    "tcpdump",
    "sysctl",
    "conntrack",
];

/// iptables loads its matches and targets from here, by name.
const XTABLES: &str = "/usr/lib/x86_64-linux-gnu/xtables";

type Output = Archive<BufWriter<File>>;

/// Writes the initramfs for `kernel`. Returns its path, and the modules the kernel does not have.
pub(crate) fn write(
    workspace: &Workspace,
    kernel: Kernel,
    unpacked: &Unpacked,
    arguments: &[String],
) -> Result<(PathBuf, Vec<&'static str>)> {
    let path = workspace
        .vm()
        .join(format!("initramfs-{}.cpio", kernel.name));
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut archive = Archive::new(BufWriter::new(file));
    let absent = fill(&mut archive, workspace, unpacked, arguments)
        .and_then(|absent| {
            archive.finish()?;
            Ok(absent)
        })
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok((path, absent))
}

fn fill(
    archive: &mut Output,
    workspace: &Workspace,
    unpacked: &Unpacked,
    arguments: &[String],
) -> Result<Vec<&'static str>> {
    for directory in [
        "bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var",
    ] {
        archive.directory(directory)?;
    }
    archive.link("var/run", "/run")?;
    archive.file("init", 0o755, INIT.as_bytes())?;
    let mut lines = arguments.join("\n");
    lines.push('\n');
    archive.file("arguments", 0o644, lines.as_bytes())?;

    program(archive, "bin/busybox", &locate("busybox")?)?;
    // Not busybox: its shell would prefer its own `ip`, `tc` and others to the real ones.
    program(archive, "bin/sh", &fs::canonicalize(locate("sh")?)?)?;
    archive.link("sbin/modprobe", "/bin/busybox")?;
    program(archive, "netdrop", &workspace.release(build::NETDROP))?;
    program(archive, "netdrop-tests", &workspace.release(build::LAB))?;
    for name in TOOLS {
        tool(archive, name)?;
    }
    if let Ok(extensions) = fs::read_dir(XTABLES) {
        for extension in extensions {
            copy(archive, &extension?.path())?;
        }
    }
    modules(archive, unpacked)
}

fn locate(program: &str) -> Result<PathBuf> {
    let path = command::find(program);
    path.with_context(|| format!("`{program}` is not installed; run `cargo xtask setup`"))
}

/// Adds a tool under its own name; names that share one program share it here too.
fn tool(archive: &mut Output, name: &str) -> Result<()> {
    let real = fs::canonicalize(locate(name)?)?;
    let file_name = real.file_name().unwrap_or_default().to_string_lossy();
    program(archive, &format!("usr/sbin/{file_name}"), &real)?;
    if file_name != name {
        archive.link(&format!("usr/sbin/{name}"), &file_name)?;
    }
    Ok(())
}

fn program(archive: &mut Output, path: &str, source: &Path) -> Result<()> {
    if archive.contains(path) {
        return Ok(());
    }
    archive.file(path, 0o755, &read(source)?)?;
    for library in libraries::of(source)? {
        copy(archive, &library)?;
    }
    Ok(())
}

/// Adds a file of this machine at the same path.
fn copy(archive: &mut Output, source: &Path) -> Result<()> {
    let path = source.display().to_string();
    if archive.contains(&path) {
        return Ok(());
    }
    let permissions = fs::metadata(source)?.permissions().mode() & 0o777;
    archive.file(&path, permissions, &read(source)?)?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Adds the wanted modules, decompressed: busybox's modprobe reads no compression.
fn modules(archive: &mut Output, unpacked: &Unpacked) -> Result<Vec<&'static str>> {
    let text = |name: &str| {
        let path = unpacked.modules.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let dependencies = Dependencies::parse(&text("modules.dep")?);
    let selection = dependencies.select(WANTED);
    let directory = format!("lib/modules/{}", unpacked.version);
    for file in &selection.files {
        let data = module(&unpacked.modules.join(file))?;
        let path = format!("{directory}/{}", uncompressed(file));
        archive.file(&path, 0o644, &data)?;
    }
    for (name, content) in [
        ("modules.dep", dependencies.narrowed(&selection)),
        (
            "modules.alias",
            narrowed_aliases(&text("modules.alias")?, &selection),
        ),
        ("modules.symbols", String::new()),
    ] {
        archive.file(&format!("{directory}/{name}"), 0o644, content.as_bytes())?;
    }
    Ok(selection.absent)
}

fn module(path: &Path) -> Result<Vec<u8>> {
    let mut decompress = match path.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => command::installed("xz")?,
        Some("zst") => command::installed("zstd")?,
        _ => return read(path),
    };
    let output = decompress
        .arg("-dc")
        .arg(path)
        .output()
        .with_context(|| format!("cannot start `{}`", command::line(&decompress)))?;
    anyhow::ensure!(
        output.status.success(),
        "cannot decompress {}: remove target/vm and try again",
        path.display()
    );
    Ok(output.stdout)
}
