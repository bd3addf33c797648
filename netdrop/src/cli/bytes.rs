//! Sizes such as `4096`, `64K`, `1M`.

const SMALLEST_RING: u32 = 4096;
const LARGEST_RING: u32 = 1 << 30;

const SMALLEST_FILE: u64 = 64 << 10;

/// Reads the size of a file.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.as_bytes() {
        [.., b'k' | b'K'] => (&text[..text.len() - 1], 10),
        [.., b'm' | b'M'] => (&text[..text.len() - 1], 20),
        [.., b'g' | b'G'] => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|size| *size >= SMALLEST_FILE)
        .ok_or_else(|| "must be at least 64K, for example 100M or 2G".to_owned())
}

/// Reads the size of the event ring, which the kernel wants to be a power of
/// two and a whole number of pages.
pub(super) fn parse_ring(text: &str) -> Result<u32, String> {
    let refusal = || "must be a power of two from 4096 to 1G, for example 64K or 4M".to_owned();
    let (number, shift) = match text.as_bytes() {
        [.., b'k' | b'K'] => (&text[..text.len() - 1], 10),
        [.., b'm' | b'M'] => (&text[..text.len() - 1], 20),
        [.., b'g' | b'G'] => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    number
        .parse::<u32>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|size| size.is_power_of_two() && (SMALLEST_RING..=LARGEST_RING).contains(size))
        .ok_or_else(refusal)
}

#[cfg(test)]
mod tests {
    use super::{parse_ring, parse_size};

    #[test]
    fn a_file_has_room_for_something() {
        assert_eq!(parse_size("64K"), Ok(65_536));
        assert_eq!(parse_size("2G"), Ok(2 << 30));
        assert_eq!(parse_size("70000"), Ok(70_000));
        for text in ["", "63K", "1", "-1M", "M", "99999999999G"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_ring_is_a_power_of_two() {
        assert_eq!(parse_ring("4096"), Ok(4096));
        assert_eq!(parse_ring("64K"), Ok(65_536));
        assert_eq!(parse_ring("1m"), Ok(1 << 20));
        assert_eq!(parse_ring("1G"), Ok(1 << 30));
        for text in [
            "", "0", "2048", "5000", "3M", "2G", "4G", "8G", "-4096", "K", "1T",
        ] {
            assert!(parse_ring(text).is_err(), "{text}");
        }
    }
}
