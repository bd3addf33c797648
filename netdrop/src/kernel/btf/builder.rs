//! Makes small BTF blobs for tests.

use super::Btf;

/// A member: name, type id, bit offset, bit width (0: not a bit-field).
pub(crate) type MemberOf<'a> = (&'a str, u32, u32, u32);

/// A blob in the making. Types get ids in the order they are added.
pub(crate) struct Builder {
    types: Vec<u8>,
    strings: Vec<u8>,
    first_string: u32,
    next_id: u32,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            types: Vec::new(),
            strings: vec![0],
            first_string: 0,
            next_id: 1,
        }
    }

    /// A module's blob.
    pub(crate) fn on(base: &Btf<'_>) -> Self {
        Self {
            strings: Vec::new(),
            first_string: base.blob.next_string(),
            next_id: base.blob.next_id(),
            ..Self::new()
        }
    }

    pub(crate) fn int(&mut self, name: &str, size: u32) -> u32 {
        self.add(name, 1, 0, false, size, &[size * 8])
    }

    pub(crate) fn pointer(&mut self, to: u32) -> u32 {
        self.add("", 2, 0, false, to, &[])
    }

    pub(crate) fn typedef(&mut self, name: &str, to: u32) -> u32 {
        self.add(name, 8, 0, false, to, &[])
    }

    pub(crate) fn structure(&mut self, name: &str, size: u32, members: &[MemberOf<'_>]) -> u32 {
        self.composite(4, name, size, members)
    }

    pub(crate) fn union(&mut self, name: &str, size: u32, members: &[MemberOf<'_>]) -> u32 {
        self.composite(5, name, size, members)
    }

    pub(crate) fn enumeration(&mut self, name: &str, values: &[(&str, u32)]) -> u32 {
        let words: Vec<u32> = values
            .iter()
            .flat_map(|&(name, value)| [self.string(name), value])
            .collect();
        self.add(name, 6, values.len(), false, 4, &words)
    }

    pub(crate) fn enumeration64(&mut self, name: &str, values: &[(&str, u64)]) -> u32 {
        let words: Vec<u32> = values
            .iter()
            .flat_map(|&(name, value)| {
                let low = u32::try_from(value & u64::from(u32::MAX)).unwrap();
                let high = u32::try_from(value >> 32).unwrap();
                [self.string(name), low, high]
            })
            .collect();
        self.add(name, 19, values.len(), false, 8, &words)
    }

    pub(crate) fn prototype(&mut self, parameters: &[u32]) -> u32 {
        let words: Vec<u32> = parameters.iter().flat_map(|&of| [0, of]).collect();
        self.add("", 13, parameters.len(), false, 0, &words)
    }

    /// `typedef void (*btf_trace_NAME)(void *, …)`.
    pub(crate) fn tracepoint(&mut self, name: &str, arguments: usize) -> u32 {
        let void = self.pointer(0);
        let prototype = self.prototype(&vec![void; arguments + 1]);
        let pointer = self.pointer(prototype);
        self.typedef(&format!("btf_trace_{name}"), pointer)
    }

    pub(crate) fn add(
        &mut self,
        name: &str,
        kind: u32,
        length: usize,
        flag: bool,
        size_or_type: u32,
        words: &[u32],
    ) -> u32 {
        let name = self.string(name);
        let info = u32::from(flag) << 31 | kind << 24 | u32::try_from(length).unwrap();
        for word in [name, info, size_or_type].iter().chain(words) {
            self.types.extend(word.to_ne_bytes());
        }
        self.next_id += 1;
        self.next_id - 1
    }

    /// The id the next type will get.
    pub(crate) fn next_id(&self) -> u32 {
        self.next_id
    }

    pub(crate) fn build(self) -> Vec<u8> {
        let types = u32::try_from(self.types.len()).unwrap();
        let strings = u32::try_from(self.strings.len()).unwrap();
        let mut bytes = 0xeb9f_u16.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        for word in [24, 0, types, types, strings] {
            bytes.extend(u32::to_ne_bytes(word));
        }
        bytes.extend(self.types);
        bytes.extend(self.strings);
        bytes
    }

    fn composite(&mut self, kind: u32, name: &str, size: u32, members: &[MemberOf<'_>]) -> u32 {
        let words: Vec<u32> = members
            .iter()
            .flat_map(|&(name, of, offset, width)| [self.string(name), of, width << 24 | offset])
            .collect();
        self.add(name, kind, members.len(), true, size, &words)
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let offset = self.first_string + u32::try_from(self.strings.len()).unwrap();
        self.strings.extend(text.bytes());
        self.strings.push(0);
        offset
    }
}
