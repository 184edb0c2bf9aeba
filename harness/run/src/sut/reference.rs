//! Our reference broker: how a scenario's `broker:` settings become its configuration, and how it is served
//! on real sockets.

use std::net::SocketAddr;
use std::rc::Rc;

use mqspec_broker_core::{Broker, Config, Protocol};
use mqspec_broker_server::{BindError, Notice, Server, SystemClock, TcpListener};
use mqspec_wire::Value;

/// The reference broker's configuration with these settings.
///
/// # Errors
///
/// A setting that does not exist or a value that it cannot have; says what would be right.
pub fn config(settings: &[(String, Value)]) -> Result<Config, String> {
    let config = Config::default();
    if let Some((name, _)) = settings.first() {
        return Err(format!("the reference broker has no setting `{name}`"));
    }
    Ok(config)
}

/// Serves the reference broker on real sockets until `shutdown` ends; tells of what happens through
/// `notices` and, once it listens, of its addresses through `listening`.
///
/// # Errors
///
/// An address that cannot be listened on.
pub async fn serve(
    config: Config,
    mqtt: Option<SocketAddr>,
    amqp: Option<SocketAddr>,
    listening: impl FnOnce(&[(Protocol, SocketAddr)]),
    notices: impl FnMut(Notice) + 'static,
    shutdown: impl Future<Output = ()>,
) -> Result<(), BindError> {
    let mut server = Server::new(Broker::new(config), Rc::new(SystemClock::new())).on_notice(notices);
    let mut addresses = Vec::new();
    for (protocol, address) in [(Protocol::Mqtt, mqtt), (Protocol::Amqp, amqp)] {
        if let Some(address) = address {
            let listener = TcpListener::bind(address).await?;
            addresses.push((protocol, listener.address()));
            server = server.listen(protocol, Box::new(listener));
        }
    }
    listening(&addresses);
    server.run(shutdown).await;
    Ok(())
}
