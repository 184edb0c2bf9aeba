//! Class Exchange: declare, delete, and RabbitMQ's bind and unbind.

use super::Turn;
use crate::amqp::binding::{Destination, HeadersMatch};
use crate::amqp::codec::FieldTable;
use crate::amqp::codec::method::exchange::{
    Bind, BindOk, Declare, DeclareOk, Delete, DeleteOk, Method, UnbindOk,
};
use crate::amqp::consumer::ChannelKey;
use crate::amqp::exchange::{Exchange, ExchangeSettings, ExchangeType};
use crate::amqp::message::Name;
use crate::amqp::violation::{Entity, Violation};

impl Turn<'_> {
    pub(super) fn on_exchange(&mut self, key: ChannelKey, method: Method<'_>) -> Result<(), Violation> {
        match method {
            Method::Declare(declare) => {
                self.on_exchange_declare(key, &declare)?;
                self.reply_unless(declare.no_wait, key, &DeclareOk);
            }
            Method::Delete(delete) => {
                self.on_exchange_delete(key, &delete)?;
                self.reply_unless(delete.no_wait, key, &DeleteOk);
            }
            Method::Bind(bind) => {
                self.on_exchange_bind(key, &bind)?;
                self.reply_unless(bind.no_wait, key, &BindOk);
            }
            Method::Unbind(bind) => {
                self.on_exchange_unbind(key, &bind)?;
                self.reply_unless(bind.no_wait, key, &UnbindOk);
            }
        }
        Ok(())
    }

    fn on_exchange_declare(&mut self, key: ChannelKey, declare: &Declare<'_>) -> Result<(), Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let name = entity_name(declare.exchange);
        if name.is_empty() {
            return Err(Violation::DefaultExchange);
        }
        let existing = self.state.vhost(&virtual_host).exchanges.get(&name);
        if declare.passive {
            // [amqp-0-9-1/AMQP-exchange.declare.passive-exists] the other fields are not looked at.
            let entity = Entity::Exchange;
            let missing = || Violation::PassiveNotFound { entity, name: name.to_string() };
            return existing.map(|_| ()).ok_or_else(missing);
        }
        let exchange_type = ExchangeType::from_name(declare.exchange_type)
            .ok_or_else(|| Violation::ExchangeType(declare.exchange_type.to_owned()))?;
        let settings = ExchangeSettings {
            exchange_type,
            durable: declare.durable,
            auto_delete: declare.auto_delete,
            internal: declare.internal,
            alternate: alternate_exchange(declare.arguments, &name)?,
        };
        if let Some(existing) = existing {
            return check_equivalent(existing, &settings, &name);
        }
        if name.starts_with("amq.") {
            return Err(Violation::ReservedName { entity: Entity::Exchange, name: name.to_string() });
        }
        self.check_room(settings.durable)?;
        self.state.declare_exchange(&virtual_host, name, settings);
        Ok(())
    }

    fn on_exchange_delete(&mut self, key: ChannelKey, delete: &Delete<'_>) -> Result<(), Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let name = entity_name(delete.exchange);
        if name.is_empty() {
            return Err(Violation::DefaultExchange);
        }
        if name.starts_with("amq.") {
            return Err(Violation::PredeclaredExchange(name.to_string()));
        }
        // [rabbitmq/RMQ-delete-idempotent] a missing exchange is no error.
        let Some(exchange) = self.state.vhost(&virtual_host).exchanges.get(&name) else { return Ok(()) };
        if delete.if_unused && exchange.has_bindings() {
            return Err(Violation::ExchangeInUse(name.to_string()));
        }
        self.state.delete_exchange(&virtual_host, &name);
        Ok(())
    }

    fn on_exchange_bind(&mut self, key: ChannelKey, bind: &Bind<'_>) -> Result<(), Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let (source, destination) = exchange_pair(bind)?;
        let exchanges = &self.state.vhost(&virtual_host).exchanges;
        for name in [&source, &destination] {
            if !exchanges.contains_key(name) {
                return Err(Violation::ExchangeBindNotFound(name.to_string()));
            }
        }
        check_headers_match(exchanges.get(&source), bind.arguments)?;
        let routing_key = Name::from(bind.routing_key);
        let destination = Destination::Exchange(destination);
        self.check_room(self.state.binds_anew(
            &virtual_host,
            &source,
            &routing_key,
            &destination,
            bind.arguments,
        ))?;
        self.state.bind(&virtual_host, &source, &routing_key, destination, bind.arguments);
        Ok(())
    }

    /// [rabbitmq/RMQ-unbind-idempotent] what is not bound, or does not exist, is no error.
    fn on_exchange_unbind(&mut self, key: ChannelKey, bind: &Bind<'_>) -> Result<(), Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let (source, destination) = exchange_pair(bind)?;
        let destination = Destination::Exchange(destination);
        self.state.unbind(&virtual_host, &source, bind.routing_key, &destination, bind.arguments);
        Ok(())
    }
}

/// [rabbitmq/RMQ-name-crlf-stripped]
pub(super) fn entity_name(name: &str) -> Name {
    if name.contains(['\r', '\n']) { Name::from(name.replace(['\r', '\n'], "")) } else { Name::from(name) }
}

/// Source and destination; the default exchange is neither ([rabbitmq/RMQ-e2e-bind.default-exchange]).
fn exchange_pair(bind: &Bind<'_>) -> Result<(Name, Name), Violation> {
    let (source, destination) = (entity_name(bind.source), entity_name(bind.destination));
    if source.is_empty() || destination.is_empty() {
        return Err(Violation::DefaultExchange);
    }
    Ok((source, destination))
}

/// A headers exchange has to know the binding's `x-match`.
pub(super) fn check_headers_match(
    source: Option<&Exchange>,
    arguments: FieldTable<'_>,
) -> Result<(), Violation> {
    let is_headers = source.is_some_and(|exchange| exchange.settings.exchange_type == ExchangeType::Headers);
    if is_headers && HeadersMatch::of(arguments).is_none() {
        return Err(Violation::HeadersMatch);
    }
    Ok(())
}

fn alternate_exchange(arguments: FieldTable<'_>, exchange: &Name) -> Result<Option<Name>, Violation> {
    let Some(value) = arguments.get("alternate-exchange") else { return Ok(None) };
    let text = value.as_string().and_then(|octets| std::str::from_utf8(octets).ok());
    text.map(|name| Some(Name::from(name))).ok_or_else(|| Violation::AlternateExchange(exchange.to_string()))
}

/// [amqp-0-9-1/AMQP-exchange.declare.passive-equivalent] of the arguments only those that are known count.
fn check_equivalent(existing: &Exchange, wanted: &ExchangeSettings, name: &Name) -> Result<(), Violation> {
    let existing = &existing.settings;
    let differs = [
        ("type", existing.exchange_type != wanted.exchange_type),
        ("durable", existing.durable != wanted.durable),
        ("auto_delete", existing.auto_delete != wanted.auto_delete),
        ("internal", existing.internal != wanted.internal),
        ("alternate-exchange", existing.alternate != wanted.alternate),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((argument, _)) => Err(Violation::ExchangeInequivalent { argument, name: name.to_string() }),
    }
}
