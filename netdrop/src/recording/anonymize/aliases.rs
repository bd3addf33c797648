//! Names that stand for names: a word and a number, in the order in which the
//! names come.

use std::{collections::HashMap, sync::Arc};

/// Names remembered at most; further ones all become the same.
const MOST: usize = 1 << 16;

/// Names of one kind.
#[derive(Debug)]
pub(super) struct Aliases {
    word: &'static str,
    /// Names that stay as they are.
    kept: &'static [&'static str],
    known: HashMap<Box<str>, Arc<str>>,
}

impl Aliases {
    pub(super) fn new(word: &'static str, kept: &'static [&'static str]) -> Self {
        Self {
            word,
            kept,
            known: HashMap::new(),
        }
    }

    /// What stands for a name that came before.
    pub(super) fn known(&self, name: &str) -> Option<Arc<str>> {
        self.known.get(name).cloned()
    }

    /// What stands for a name.
    pub(super) fn of(&mut self, name: &str) -> Arc<str> {
        if name.is_empty() || self.kept.contains(&name) {
            return name.into();
        }
        if let Some(alias) = self.known.get(name) {
            return Arc::clone(alias);
        }
        if self.known.len() >= MOST {
            return format!("{}_other", self.word).into();
        }
        let alias: Arc<str> = format!("{}{}", self.word, self.known.len() + 1).into();
        self.known.insert(name.into(), Arc::clone(&alias));
        alias
    }
}
