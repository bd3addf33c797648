//! `--severity-file`

use std::{fs, path::Path};

use super::fault::Usage;
use crate::{
    drops::reclassified::Reclassified,
    kernel::{btf::Btf, reasons::ReasonNames, symbols::Symbols},
};

/// Reads the file. The kernel is asked only for reasons that the catalogue
/// lacks.
pub(super) fn read(path: &Path) -> Result<Reclassified, Usage> {
    let text = fs::read_to_string(path)
        .map_err(|error| Usage(format!("{}: cannot be read: {error}", path.display())))?;
    Reclassified::parse(&text, running_reasons)
        .map_err(|error| Usage(format!("{}:{error}", path.display())))
}

fn running_reasons() -> Vec<String> {
    let Ok(btf) = Btf::vmlinux() else {
        return Vec::new();
    };
    ReasonNames::load(&btf)
        .iter()
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// What the user should know of the file once the kernel's functions are known.
pub(super) fn warnings(path: &Path, given: &Reclassified, symbols: &Symbols) -> Vec<String> {
    let mut warnings = vec![format!(
        "severities of {} and {} come from {}",
        plural(given.reasons(), "reason"),
        plural(given.functions().len(), "function"),
        path.display()
    )];
    let missing: Vec<&str> = given
        .functions()
        .filter(|name| !symbols.is_empty() && symbols.range(name).is_none())
        .collect();
    if !missing.is_empty() {
        warnings.push(format!(
            "{}: this kernel has no function {} (now)",
            path.display(),
            missing.join(", ")
        ));
    }
    warnings
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::{Path, Reclassified, Symbols, warnings};

    #[test]
    fn ready_tells_how_many_and_which_functions_are_not_there() {
        let text = "[reasons]\nNO_SOCKET = \"benign\"\n[functions]\nip_rcv = \"benign\"\n\
                    ip_rvc = \"benign\"";
        let given = Reclassified::parse(text, Vec::new).unwrap();
        let symbols = "ffffffff81000000 T ip_rcv\nffffffff81000100 T ip_rcv_finish\n";
        let symbols = Symbols::from_reader(symbols.as_bytes()).unwrap();
        assert_eq!(
            warnings(Path::new("mine.toml"), &given, &symbols),
            [
                "severities of 1 reason and 2 functions come from mine.toml",
                "mine.toml: this kernel has no function ip_rvc (now)",
            ]
        );
    }
}
