//! Bytes as text: every reader of tables knows text.

/// The bytes of a text of two digits each; `None` where the text is something else.
pub(in crate::recording) fn read(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    rest.is_empty()
        .then(|| pairs.iter().map(byte).collect())
        .flatten()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::read;
    use crate::tally::headers::Headers;

    #[test]
    fn what_is_written_reads_back() {
        let headers = Headers {
            link_layer: true,
            bytes: (0..=255).collect::<Bytes>(),
        };
        assert_eq!(read(&headers.hexadecimal()).unwrap(), headers.bytes);
        assert_eq!(read("0"), None);
        assert_eq!(read("0g"), None);
        assert_eq!(read("ä"), None);
        assert!(read("").unwrap().is_empty());
    }
}
