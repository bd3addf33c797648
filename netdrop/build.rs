//! Turns the catalogue's data files into Rust, builds the kernel programs, and
//! leaves both in `OUT_DIR`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

#[path = "build/catalogue.rs"]
mod catalogue;
#[path = "src/path/step.rs"]
mod step;
#[path = "src/drops/next/template.rs"]
mod template;

use catalogue::{Catalogue, FILES, Texts};

/// `-Z build-std` on a stable toolchain. Set for a child of this script only:
/// a host crate that saw it would probe for unstable features.
const BOOTSTRAP: &str = "RUSTC_BOOTSTRAP";

/// Tells that child from this script run under [`BOOTSTRAP`] by others, as fuzzing
/// does.
const CHILD: &str = "NETDROP_BUILD_PROGRAMS";

/// The programs, as `netdrop-ebpf` names its binary.
const PROGRAMS: &str = "netdrop-ebpf";

fn main() -> anyhow::Result<()> {
    if env::var_os(CHILD).is_some() {
        return build_programs();
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=src/drops/next/template.rs");
    println!("cargo:rerun-if-changed=src/path/step.rs");
    let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/bin");
    println!("cargo:rerun-if-changed={tools}/bpf-linker");
    let out = PathBuf::from(env::var_os("OUT_DIR").context("no OUT_DIR")?);
    if !write_catalogue(&out)? {
        // cargo stops after what was reported.
        return Ok(());
    }
    println!("cargo:rerun-if-env-changed=RUSTC_WORKSPACE_WRAPPER");
    if env::var_os("CARGO_CFG_FUZZING").is_some() || is_linted() {
        // What is fuzzed or linted loads no programs, and building them takes minutes.
        return fs::write(out.join(PROGRAMS), []).context("cannot write to OUT_DIR");
    }
    let old = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(
        [PathBuf::from(tools)]
            .into_iter()
            .chain(env::split_paths(&old)),
    )
    .context("cannot extend PATH")?;
    let script = env::current_exe().context("cannot find this build script")?;
    // The programs are the same for every profile: they are built in one place.
    let shared = shared(&out).context("OUT_DIR lies elsewhere than it did")?;
    fs::create_dir_all(&shared).with_context(|| shared.display().to_string())?;
    let turn = fs::File::create(shared.join("turn")).context("cannot write to target")?;
    turn.lock().context("cannot wait for another build")?;
    let status = Command::new(script)
        .env(BOOTSTRAP, "1")
        .env(CHILD, "1")
        .env("OUT_DIR", &shared)
        .env("PATH", path)
        .status()
        .context("cannot run this build script again")?;
    if !status.success() {
        bail!("cannot build the kernel programs; run `cargo xtask setup` first");
    }
    fs::copy(shared.join(PROGRAMS), out.join(PROGRAMS)).context("cannot copy the programs")?;
    Ok(())
}

/// Clippy compiles nothing that could be run.
fn is_linted() -> bool {
    env::var_os("RUSTC_WORKSPACE_WRAPPER").is_some_and(|wrapper| {
        let name = Path::new(&wrapper).file_stem();
        name.is_some_and(|name| name == "clippy-driver")
    })
}

/// A folder of cargo's target directory, which all profiles have in common:
/// `OUT_DIR` is `target/PROFILE/build/netdrop-HASH/out`.
fn shared(out: &Path) -> Option<PathBuf> {
    Some(out.ancestors().nth(4)?.join("programs"))
}

/// False where the data is wrong, and every error was reported.
fn write_catalogue(out: &Path) -> anyhow::Result<bool> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let mut texts: [String; FILES.len()] = Default::default();
    for (text, name) in texts.iter_mut().zip(FILES) {
        let path = data.join(name);
        println!("cargo:rerun-if-changed={}", path.display());
        *text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    }
    let catalogue = match Catalogue::read(&Texts(texts)) {
        Ok(catalogue) => catalogue,
        Err(problems) => {
            for problem in problems {
                println!("cargo::error={problem}");
            }
            return Ok(false);
        }
    };
    for (name, source) in [
        ("stages.rs", catalogue.stages_source()),
        ("catalogue.rs", catalogue.source()),
        ("rules.rs", catalogue.rules_source()),
        ("reconcile.rs", catalogue.reconcile_source()),
    ] {
        let path = out.join(name);
        fs::write(&path, source).with_context(|| path.display().to_string())?;
    }
    Ok(true)
}

fn build_programs() -> anyhow::Result<()> {
    let toolchain = env::var("RUSTUP_TOOLCHAIN").unwrap_or_else(|_| "stable".to_owned());
    aya_build::build_ebpf(
        [aya_build::Package {
            name: "netdrop-ebpf",
            root_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/../netdrop-ebpf"),
            ..Default::default()
        }],
        aya_build::Toolchain::Custom(&toolchain),
    )
}
