//! Names as small numbers, so that a group is a plain value.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

/// Names kept at most; later ones are unknown. Only devices and namespaces
/// that come and go could ever reach it.
const MOST_NAMES: usize = 65_536;

/// A name in an [`Interner`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name(NonZeroU32);

/// Every name seen so far, once.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, Name>,
}

impl Interner {
    /// The number of a name; `None` when there are too many.
    pub fn intern(&mut self, text: &str) -> Option<Name> {
        if let Some(name) = self.ids.get(text) {
            return Some(*name);
        }
        if self.texts.len() >= MOST_NAMES {
            return None;
        }
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        let name = Name(NonZeroU32::new(u32::try_from(self.texts.len()).ok()?)?);
        self.ids.insert(text, name);
        Some(name)
    }

    /// The text of a name that this interner gave out.
    #[must_use]
    pub fn text(&self, name: Name) -> &Arc<str> {
        &self.texts[name.0.get() as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_share_a_number() {
        let mut interner = Interner::default();
        let lo = interner.intern("lo").unwrap();
        let eth0 = interner.intern("eth0").unwrap();
        assert_ne!(lo, eth0);
        assert_eq!(interner.intern("lo"), Some(lo));
        assert_eq!(&**interner.text(eth0), "eth0");
    }
}
