//! The shared libraries a program needs, by ldd.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

/// The full path of every library that `program` loads at its start; none when it is static.
pub(crate) fn of(program: &Path) -> Result<Vec<PathBuf>> {
    // cargo's LD_LIBRARY_PATH would make ldd find other files than the guest will.
    let output = Command::new("ldd")
        .env_remove("LD_LIBRARY_PATH")
        .env("LC_ALL", "C")
        .arg(program)
        .output()
        .context("cannot start `ldd`; it comes with the C library")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        if message.contains("not a dynamic executable") || text.contains("not a dynamic executable")
        {
            return Ok(Vec::new());
        }
        bail!("`ldd {}` failed: {}", program.display(), message.trim());
    }
    parse(&text).with_context(|| format!("`{}` cannot be run", program.display()))
}

fn parse(text: &str) -> Result<Vec<PathBuf>> {
    let mut libraries = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.ends_with("=> not found") {
            bail!("its library is missing: {line}");
        }
        let path = line.split_once("=> ").map_or(line, |(_, path)| path);
        if let Some(path) = path.split(" (").next().filter(|path| path.starts_with('/')) {
            libraries.push(PathBuf::from(path));
        }
    }
    Ok(libraries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_the_loader_are_found() {
        let text = "\tlinux-vdso.so.1 (0x00007ffe)\n\
                    \tlibc.so.6 => /lib/x/libc.so.6 (0x00007f11)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f22)\n";
        let expected = ["/lib/x/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_static_program_has_none() {
        assert!(parse("\tstatically linked\n").unwrap().is_empty());
    }

    #[test]
    fn a_missing_library_is_named() {
        let error = parse("\tlibfoo.so.1 => not found\n").unwrap_err();
        assert!(error.to_string().contains("libfoo.so.1"));
    }
}
