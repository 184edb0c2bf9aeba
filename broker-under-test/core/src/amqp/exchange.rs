//! Exchanges: types, bindings, and where one of them sends a message (§3.1.3).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::binding::{Binding, Destination, headers_match, topic_matches};
use super::codec::FieldTable;
use super::codec::field_table::same_fields;
use super::message::Name;

/// The exchange types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExchangeType {
    Direct,
    Fanout,
    Topic,
    Headers,
}

impl ExchangeType {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
            Self::Headers => "headers",
        }
    }

    /// By the name on the wire.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "fanout" => Some(Self::Fanout),
            "topic" => Some(Self::Topic),
            "headers" => Some(Self::Headers),
            _ => None,
        }
    }
}

/// What exchange.declare says of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExchangeSettings {
    pub(crate) exchange_type: ExchangeType,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    pub(crate) internal: bool,
    pub(crate) alternate: Option<Name>,
}

/// An exchange with the bindings of which it is the source.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) settings: ExchangeSettings,
    /// By binding key; in the order of binding within one.
    bindings: BTreeMap<Name, Vec<Binding>>,
}

impl Exchange {
    /// Without bindings.
    pub(crate) fn new(settings: ExchangeSettings) -> Self {
        Self { settings, bindings: BTreeMap::new() }
    }

    /// Whether something is bound to it.
    pub(crate) fn has_bindings(&self) -> bool {
        !self.bindings.is_empty()
    }

    /// Each binding with its key.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = (&Name, &Binding)> {
        self.bindings.iter().flat_map(|(key, bindings)| bindings.iter().map(move |binding| (key, binding)))
    }

    /// Adds a binding, unless the very same is there already; says whether it was not.
    pub(crate) fn bind(
        &mut self,
        binding_key: &Name,
        destination: Destination,
        arguments: FieldTable<'_>,
    ) -> bool {
        if self.is_bound(binding_key, &destination, arguments) {
            return false;
        }
        let arguments = Bytes::copy_from_slice(arguments.octets());
        self.bindings.entry(binding_key.clone()).or_default().push(Binding { destination, arguments });
        true
    }

    /// Whether that very binding is there.
    pub(crate) fn is_bound(&self, key: &str, destination: &Destination, arguments: FieldTable<'_>) -> bool {
        self.bindings
            .get(key)
            .is_some_and(|bindings| bindings.iter().any(|binding| is_same(binding, destination, arguments)))
    }

    /// Removes a binding; says whether it was there.
    pub(crate) fn unbind(&mut self, key: &str, destination: &Destination, arguments: FieldTable<'_>) -> bool {
        self.remove(|binding_key, binding| &**binding_key == key && is_same(binding, destination, arguments))
    }

    /// Removes all bindings to a destination; says whether there were any.
    pub(crate) fn unbind_all(&mut self, destination: &Destination) -> bool {
        self.remove(|_, binding| binding.destination == *destination)
    }

    fn remove(&mut self, is_out: impl Fn(&Name, &Binding) -> bool) -> bool {
        let mut removed = false;
        self.bindings.retain(|key, bindings| {
            let before = bindings.len();
            bindings.retain(|binding| !is_out(key, binding));
            removed |= bindings.len() < before;
            !bindings.is_empty()
        });
        removed
    }

    /// The destinations for a message, some perhaps twice.
    pub(crate) fn destinations(&self, routing_keys: &[Name], headers: FieldTable<'_>) -> Vec<Destination> {
        let mut found = Vec::new();
        let mut add = |bindings: &[Binding]| {
            found.extend(bindings.iter().map(|binding| binding.destination.clone()));
        };
        match self.settings.exchange_type {
            ExchangeType::Direct => {
                routing_keys.iter().filter_map(|key| self.bindings.get(key)).for_each(|found| add(found));
            }
            ExchangeType::Fanout => self.bindings.values().for_each(|bindings| add(bindings)),
            ExchangeType::Topic => {
                for (binding_key, bindings) in &self.bindings {
                    if routing_keys.iter().any(|key| topic_matches(binding_key, key)) {
                        add(bindings);
                    }
                }
            }
            ExchangeType::Headers => {
                let bindings = self.bindings.values().flatten();
                let taking = bindings.filter(|binding| headers_match(binding.arguments(), headers));
                found.extend(taking.map(|binding| binding.destination.clone()));
            }
        }
        found
    }
}

fn is_same(binding: &Binding, destination: &Destination, arguments: FieldTable<'_>) -> bool {
    binding.destination == *destination && same_fields(binding.arguments(), arguments)
}
