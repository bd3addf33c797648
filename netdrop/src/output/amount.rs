//! Numbers of things, for people.

/// `1 drop`, `5 drops`
#[must_use]
pub fn count_text(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// `999 bytes`, `1.5 KiB`
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a size for people needs two digits"
)]
pub fn bytes_text(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64 / 1024.0;
    if bytes < 1024 {
        return count_text(bytes, "byte");
    }
    for unit in &units[..units.len() - 1] {
        if size < 1024.0 {
            return format!("{size:.1} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.1} {}", units[units.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::{bytes_text, count_text};

    #[test]
    fn sizes_have_the_unit_that_suits_them() {
        assert_eq!(count_text(1, "drop"), "1 drop");
        assert_eq!(bytes_text(1023), "1023 bytes");
        assert_eq!(bytes_text(1536), "1.5 KiB");
        assert_eq!(bytes_text(5 << 20), "5.0 MiB");
        assert_eq!(bytes_text(u64::MAX), "16777216.0 TiB");
    }
}
