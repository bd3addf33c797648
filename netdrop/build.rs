//! Builds the kernel programs and leaves the object in `OUT_DIR`.

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../netdrop-ebpf");
    aya_build::build_ebpf(
        [aya_build::Package {
            name: "netdrop-ebpf",
            root_dir: root,
            ..Default::default()
        }],
        aya_build::Toolchain::default(),
    )
    .context("cannot build the kernel programs; run `cargo xtask setup` first")
}
