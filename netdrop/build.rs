//! Builds the kernel programs and leaves the object in `OUT_DIR`.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context as _, bail};

/// `-Z build-std` on a stable toolchain. Set for a child of this script only:
/// a host crate that saw it would probe for unstable features.
const BOOTSTRAP: &str = "RUSTC_BOOTSTRAP";

fn main() -> anyhow::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/bin");
    println!("cargo:rerun-if-changed={tools}/bpf-linker");
    if env::var_os(BOOTSTRAP).is_none() {
        let old = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(
            [PathBuf::from(tools)]
                .into_iter()
                .chain(env::split_paths(&old)),
        )
        .context("cannot extend PATH")?;
        let script = env::current_exe().context("cannot find this build script")?;
        let status = Command::new(script)
            .env(BOOTSTRAP, "1")
            .env("PATH", path)
            .status()
            .context("cannot run this build script again")?;
        if !status.success() {
            bail!("cannot build the kernel programs; run `cargo xtask setup` first");
        }
        return Ok(());
    }
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
