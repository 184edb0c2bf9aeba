//! Retained messages (§3.3.1.3): the last one of each topic.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::effect::Now;

use super::journal::{Change, Changes};
use super::message::Message;
use super::topic;

/// The retained message of each topic. Durable: every change is noted.
#[derive(Debug, Default)]
pub(crate) struct RetainedStore {
    messages: BTreeMap<Arc<str>, Arc<Message>>,
}

impl RetainedStore {
    /// Replaces what the topic had.
    pub(crate) fn store(&mut self, message: Arc<Message>, changes: &mut Changes) {
        assert!(!message.payload.is_empty(), "an empty message clears its topic and is never stored");
        changes.note_retained(&message);
        self.messages.insert(message.topic_name.clone(), message);
    }

    /// Forgets what the topic had.
    pub(crate) fn clear(&mut self, topic_name: &str, changes: &mut Changes) {
        if self.messages.remove(topic_name).is_some() {
            changes.note(&Change::RetainedCleared { topic_name });
        }
    }

    /// All of them, by topic.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Message>> {
        self.messages.values()
    }

    /// Whether a message for this topic needs more room than there is.
    pub(crate) fn is_full_for(&self, topic_name: &str, maximum: usize) -> bool {
        self.messages.len() >= maximum && !self.messages.contains_key(topic_name)
    }

    /// Those that match, by topic. Expired ones that come by are dropped.
    pub(crate) fn matching(&mut self, pattern: &str, now: Now, changes: &mut Changes) -> Vec<Arc<Message>> {
        let prefix = topic::literal_prefix(pattern);
        let (mut found, mut expired) = (Vec::new(), Vec::new());
        let from = (Bound::Included(prefix), Bound::Unbounded);
        for (topic_name, message) in self.messages.range::<str, _>(from) {
            if !topic_name.starts_with(prefix) {
                break;
            }
            if message.is_expired(now) {
                expired.push(topic_name.clone());
            } else if topic::matches(pattern, topic_name) {
                found.push(message.clone());
            }
        }
        for topic_name in expired {
            self.clear(&topic_name, changes);
        }
        found
    }
}
