//! A TCP segment.

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

/// A segment to be: its header and what it carries.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) src: u16,
    pub(crate) dst: u16,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    /// Whole words of options.
    pub(crate) options: Vec<u8>,
    pub(crate) payload: usize,
    /// The header's length in words, if not the true one.
    pub(crate) words: Option<u8>,
}

impl Segment {
    /// A segment without options or payload.
    pub(crate) fn new(src: u16, dst: u16, flags: u8) -> Self {
        Self {
            src,
            dst,
            seq: 1,
            ack: 0,
            flags,
            window: 0xffff,
            options: Vec::new(),
            payload: 0,
            words: None,
        }
    }

    pub(crate) fn at(self, seq: u32, ack: u32) -> Self {
        Self { seq, ack, ..self }
    }

    pub(crate) fn window(self, window: u16) -> Self {
        Self { window, ..self }
    }

    pub(crate) fn payload(self, payload: usize) -> Self {
        Self { payload, ..self }
    }

    /// The timestamps option.
    pub(crate) fn timestamps(mut self, value: u32, echo: u32) -> Self {
        self.options.extend([1, 1, 8, 10]);
        self.options.extend(value.to_be_bytes());
        self.options.extend(echo.to_be_bytes());
        self
    }

    /// The MD5 signature option, with a signature of nothing.
    pub(crate) fn signature(mut self) -> Self {
        self.options.extend([1, 1, 19, 18]);
        self.options.extend([0; 16]);
        self
    }

    pub(crate) fn words(self, words: u8) -> Self {
        Self {
            words: Some(words),
            ..self
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let Self {
            src,
            dst,
            seq,
            ack,
            flags,
            window,
            options,
            payload,
            words,
        } = self;
        let words = words.unwrap_or_else(|| u8::try_from(5 + options.len() / 4).unwrap_or(15));
        let mut bytes = [src.to_be_bytes(), dst.to_be_bytes()].concat();
        bytes.extend(seq.to_be_bytes());
        bytes.extend(ack.to_be_bytes());
        bytes.extend([words << 4, *flags]);
        bytes.extend(window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(options);
        bytes.resize(bytes.len() + payload, 0);
        bytes
    }
}
