//! A small blob for whoever looks up nothing but tracepoints.

use super::{
    Btf,
    record::{HEAD, Kind},
};

const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;
/// Length of `struct btf_header` (include/uapi/linux/btf.h).
const HEADER: u32 = 24;
// Kinds, as they stand in the upper byte of a type's second word.
const FORWARD: u32 = 7 << 24;
const TYPEDEF: u32 = 8 << 24;

impl Btf<'_> {
    /// A blob in which the typedefs of these tracepoints (`kfree_skb`) have the
    /// ids that they have here. What comes before them is a declaration without a
    /// name: whoever parses the blob needs memory for heads alone.
    #[must_use]
    pub fn excerpt<'a>(&self, tracepoints: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
        let mut found: Vec<(u32, String)> = tracepoints
            .into_iter()
            .filter_map(|name| {
                let name = format!("btf_trace_{name}");
                Some((self.named(&name, |kind| kind == Kind::Typedef)?, name))
            })
            .collect();
        found.sort();
        found.dedup();
        let last = found.last().map_or(0, |(id, _)| *id);
        let mut types = Vec::with_capacity(last as usize * HEAD);
        let mut strings = vec![0];
        let mut wanted = found.into_iter().peekable();
        for id in 1..=last {
            let (name, info) = match wanted.next_if(|(of, _)| *of == id) {
                Some((_, name)) => {
                    let offset = length(&strings);
                    strings.extend_from_slice(name.as_bytes());
                    strings.push(0);
                    (offset, TYPEDEF)
                }
                None => (0, FORWARD),
            };
            types.extend([name, info, 0].into_iter().flat_map(u32::to_ne_bytes));
        }
        let mut bytes = MAGIC.to_ne_bytes().to_vec();
        bytes.extend([VERSION, 0]);
        let words = [HEADER, 0, length(&types), length(&types), length(&strings)];
        bytes.extend(words.into_iter().flat_map(u32::to_ne_bytes));
        bytes.extend(types);
        bytes.extend(strings);
        bytes
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use crate::kernel::btf::{Btf, builder::Builder, record::Kind};

    #[test]
    fn tracepoints_keep_their_ids() {
        let mut builder = Builder::new();
        builder.int("int", 4);
        let first = builder.tracepoint("kfree_skb", 3);
        builder.structure("sk_buff", 4, &[("len", 1, 0, 0)]);
        let second = builder.tracepoint("napi_poll", 3);
        builder.tracepoint("consume_skb", 1);
        let whole = Btf::parse(builder.build(), None).unwrap();
        let names = ["napi_poll", "kfree_skb", "no_such", "kfree_skb"];
        let bytes = whole.excerpt(names);
        let excerpt = Btf::parse(bytes, None).unwrap();
        let id = |name: &str| {
            let name = format!("btf_trace_{name}");
            excerpt.named(&name, |kind| kind == Kind::Typedef)
        };
        assert_eq!(id("kfree_skb"), Some(first));
        assert_eq!(id("napi_poll"), Some(second));
        assert_eq!((id("consume_skb"), id("no_such")), (None, None));
        let none = whole.excerpt(["no_such"]);
        assert!(Btf::parse(none, None).is_ok());
    }
}
