//! The sessions of all clients.

use std::collections::BTreeMap;

use super::journal::{Change, Changes};
use super::message::ClientId;
use super::session::Session;

/// The session of every client, connected or not.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_client: BTreeMap<ClientId, Session>,
}

impl Sessions {
    /// Begins a session; there must be none.
    pub(crate) fn create(&mut self, client: &ClientId) -> &mut Session {
        assert!(!self.by_client.contains_key(client), "session {client} begins although it has not ended");
        self.by_client.entry(client.clone()).or_insert_with(|| Session::new(client.clone()))
    }

    /// Ends a session and hands out what was in it.
    pub(crate) fn end(&mut self, client: &str, changes: &mut Changes) -> Option<Session> {
        let session = self.by_client.remove(client)?;
        if session.is_kept() || session.will().is_some() {
            changes.note(&Change::SessionEnded { client });
        }
        Some(session)
    }

    /// All of them, by client identifier.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ClientId, &Session)> {
        self.by_client.iter()
    }

    /// The session of a client.
    pub(crate) fn get(&self, client: &str) -> Option<&Session> {
        self.by_client.get(client)
    }

    /// The session of a client, to be changed.
    pub(crate) fn get_mut(&mut self, client: &str) -> Option<&mut Session> {
        self.by_client.get_mut(client)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.by_client.len()
    }

    /// Whether a client is connected.
    pub(crate) fn is_connected(&self, client: &str) -> bool {
        self.get(client).is_some_and(|session| session.connection.is_some())
    }
}
