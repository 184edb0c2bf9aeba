//! Our reference broker: how a scenario's `broker:` settings become its configuration, and how it is served
//! on real sockets.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;

use mqspec_broker_core::mqtt::MqttConfig;
use mqspec_broker_core::mqtt::codec::Qos;
use mqspec_broker_core::{Broker, Config, Protocol};
use mqspec_broker_log::{Files, Options};
use mqspec_broker_server::{
    BindError, Clock as _, Door, Durable, Server, StorageNotice, SystemClock, TcpListener,
};
use mqspec_conformance::plan::setting::{SETTINGS, Setting};
use mqspec_wire::Value;
use thiserror::Error;

pub use mqspec_broker_log::{FilesError, LogError};
pub use mqspec_broker_server::StorageError;

/// The reference broker's configuration with these settings.
///
/// # Errors
///
/// A setting that does not exist or a value that it cannot have; says what would be right.
pub fn config(settings: &[(String, Value)]) -> Result<Config, String> {
    let mut config = Config::default();
    for (name, value) in settings {
        let setting = Setting::find(name).ok_or_else(|| {
            let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
            format!("the reference broker has no setting `{name}`; there are {}", known.join(", "))
        })?;
        set(&mut config, name, value)
            .filter(|()| setting.accepts(value))
            .ok_or_else(|| format!("the setting `{name}` takes {}, not {value}", setting.takes))?;
    }
    Ok(config)
}

fn set(config: &mut Config, name: &str, value: &Value) -> Option<()> {
    let Config { mqtt, amqp, durable: _ } = config;
    match name {
        "channel_max" => amqp.channel_max = number(value, 1)?,
        "frame_max" => amqp.frame_max = number(value, 4096)?,
        "heartbeat" => amqp.heartbeat_secs = number(value, 0)?,
        _ => set_mqtt(mqtt, name, value)?,
    }
    Some(())
}

fn set_mqtt(mqtt: &mut MqttConfig, name: &str, value: &Value) -> Option<()> {
    match name {
        "users" => mqtt.users = Some(users(value)?),
        "maximum_qos" => {
            mqtt.maximum_qos = match value.as_integer()? {
                0 => Qos::AtMostOnce,
                1 => Qos::AtLeastOnce,
                2 => Qos::ExactlyOnce,
                _ => return None,
            }
        }
        "retain_available" => mqtt.retain_available = value.as_bool()?,
        "wildcard_subscription_available" => mqtt.wildcard_subscription_available = value.as_bool()?,
        "subscription_identifiers_available" => mqtt.subscription_identifiers_available = value.as_bool()?,
        "shared_subscription_available" => mqtt.shared_subscription_available = value.as_bool()?,
        "receive_maximum" => mqtt.receive_maximum = number(value, 1)?,
        "maximum_packet_size" => mqtt.maximum_packet_size = number(value, 1)?,
        "topic_alias_maximum" => mqtt.topic_alias_maximum = number(value, 0)?,
        "server_keep_alive" => mqtt.server_keep_alive_secs = Some(number(value, 0)?),
        "session_expiry_maximum" => mqtt.session_expiry_maximum_secs = number(value, 0)?,
        "echo_authentication" => mqtt.echo_authentication = value.as_bool()?,
        "validate_payload_format" => mqtt.validate_payload_format = value.as_bool()?,
        "queued_messages_maximum" => mqtt.queued_messages_maximum = number(value, 1)?,
        "retained_messages_maximum" => mqtt.retained_messages_maximum = number(value, 1)?,
        "sessions_maximum" => mqtt.sessions_maximum = number(value, 1)?,
        "subscriptions_maximum" => mqtt.subscriptions_maximum = number(value, 1)?,
        _ => return None,
    }
    Some(())
}

/// An integer of the setting's own width, at least this much.
fn number<N: TryFrom<i128>>(value: &Value, least: i128) -> Option<N> {
    N::try_from(value.as_integer().filter(|number| *number >= least)?).ok()
}

fn users(value: &Value) -> Option<std::collections::BTreeMap<String, String>> {
    let Value::Map(entries) = value else { return None };
    entries
        .iter()
        .map(|(name, password)| {
            Some((String::from_utf8(name.to_vec()).ok()?, password.as_text()?.to_owned()))
        })
        .collect()
}

/// Where a broker on real sockets listens, and where it keeps its state.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// For MQTT.
    pub mqtt: Option<SocketAddr>,
    /// For AMQP.
    pub amqp: Option<SocketAddr>,
    /// The data directory; `None`: the broker keeps nothing when it ends.
    pub data: Option<PathBuf>,
}

/// Why the reference broker cannot serve (any more).
#[derive(Debug, Error)]
pub enum ServeError {
    /// An address that cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A directory that cannot be the data directory.
    #[error(transparent)]
    Data(#[from] FilesError),
    /// The data directory does not keep what it must.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Serves the reference broker on real sockets until `shutdown` ends; tells of its storage through `notices`
/// and, once it listens, of its addresses through `listening`.
///
/// # Errors
///
/// It cannot begin, or it cannot keep what it must any more.
pub async fn serve(
    mut config: Config,
    place: Place,
    listening: impl FnOnce(&[(Protocol, SocketAddr)]),
    notices: impl FnMut(StorageNotice) + 'static,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let clock = SystemClock::new();
    config.durable = place.data.is_some();
    let broker = Broker::new(config);
    let door: Box<dyn Door> = match &place.data {
        None => Box::new(broker),
        Some(directory) => {
            let files = Files::open(directory)?;
            // The standard library's own source of numbers that nobody outside can guess.
            let salt = RandomState::new().build_hasher().finish();
            let options = Options { salt, ..Options::default() };
            Box::new(Durable::open(broker, files, options, clock.now(), notices)?)
        }
    };
    let mut server = Server::new(door, Rc::new(clock));
    let mut addresses = Vec::new();
    for (protocol, address) in [(Protocol::Mqtt, place.mqtt), (Protocol::Amqp, place.amqp)] {
        if let Some(address) = address {
            let listener = TcpListener::bind(address).await?;
            addresses.push((protocol, listener.address()));
            server = server.listen(protocol, Box::new(listener));
        }
    }
    listening(&addresses);
    server.run(shutdown).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_does_not_exist_names_those_that_do() {
        let error = config(&[(String::from("maximum_quality"), Value::Integer(1))]).expect_err("a typo");
        assert!(error.contains("maximum_qos"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_says_what_would_be_right() {
        let error = config(&[(String::from("maximum_qos"), Value::Integer(3))]).expect_err("out of range");
        assert_eq!(error, "the setting `maximum_qos` takes 0, 1 or 2, not 3");
    }

    #[test]
    fn every_setting_takes_some_value() {
        let samples = [Value::Integer(1), Value::Integer(5000), Value::Bool(true), Value::Map(Vec::new())];
        for Setting { name, .. } in SETTINGS {
            let taken = samples.iter().any(|value| config(&[((*name).to_owned(), value.clone())]).is_ok());
            assert!(taken, "{name} is listed and cannot be set");
        }
    }
}
