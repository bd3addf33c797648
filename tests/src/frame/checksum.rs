//! The Internet checksum (RFC 1071).

/// The checksum of several pieces; all but the last must be of even length.
pub(super) fn of(pieces: &[&[u8]]) -> u16 {
    let words = pieces.iter().flat_map(|piece| piece.chunks(2));
    let sum: u64 = words
        .map(|word| {
            u64::from(u16::from_be_bytes([
                word[0],
                word.get(1).copied().unwrap_or(0),
            ]))
        })
        .sum();
    !fold(sum)
}

fn fold(sum: u64) -> u16 {
    match u16::try_from(sum) {
        Ok(sum) => sum,
        Err(_) => fold((sum & 0xffff) + (sum >> 16)),
    }
}
