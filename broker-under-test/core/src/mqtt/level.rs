//! Topic levels as numbers: each text is kept once, for as long as a subscription uses it.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A level's number.
pub(crate) type LevelId = u64;

/// The levels that are in use.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    by_text: BTreeMap<Arc<str>, LevelId>,
    by_id: BTreeMap<LevelId, Level>,
    last: LevelId,
}

#[derive(Debug)]
struct Level {
    text: Arc<str>,
    uses: u64,
}

impl Levels {
    /// The number of a level that is in use.
    pub(crate) fn find(&self, text: &str) -> Option<LevelId> {
        self.by_text.get(text).copied()
    }

    /// The number of a level, which is used once more from now on.
    pub(crate) fn take(&mut self, text: &str) -> LevelId {
        let id = self.find(text).unwrap_or_else(|| self.add(text));
        if let Some(level) = self.by_id.get_mut(&id) {
            level.uses += 1;
        }
        id
    }

    fn add(&mut self, text: &str) -> LevelId {
        self.last += 1;
        let text: Arc<str> = text.into();
        self.by_text.insert(text.clone(), self.last);
        self.by_id.insert(self.last, Level { text, uses: 0 });
        self.last
    }

    /// A level is used once less; forgotten if that was the last use.
    pub(crate) fn give_back(&mut self, id: LevelId) {
        let Some(level) = self.by_id.get_mut(&id) else { return };
        level.uses -= 1;
        if level.uses == 0 {
            self.by_text.remove(&level.text);
            self.by_id.remove(&id);
        }
    }

    /// Whether none is in use.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_text.is_empty() && self.by_id.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_keeps_its_number_until_its_last_use_ends() {
        let mut levels = Levels::default();
        let first = levels.take("a");
        assert_eq!(levels.take("a"), first);
        assert_ne!(levels.take("b"), first);
        levels.give_back(first);
        assert_eq!(levels.find("a"), Some(first));
        levels.give_back(first);
        assert_eq!(levels.find("a"), None);
        assert_ne!(levels.take("a"), first, "a number is never used again");
    }
}
