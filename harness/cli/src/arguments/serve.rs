//! What serves until it is told to end: `broker` and `proxy`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use mqspec_wire::Spec;

use super::parse_spec;
use crate::seed::Seed;

/// `mqspec broker`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("ports").required(true).multiple(true).args(["mqtt", "amqp"]))]
pub struct BrokerArguments {
    /// Port for MQTT 3.1.1 and 5.0 (0: any free one).
    #[arg(long, value_name = "PORT")]
    pub mqtt: Option<u16>,
    /// Port for AMQP 0-9-1 (0: any free one).
    #[arg(long, value_name = "PORT")]
    pub amqp: Option<u16>,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Keep what outlives the broker in this directory (made if there is none); without it, a broker that
    /// ends forgets everything.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `mqspec proxy`.
#[derive(Debug, Args)]
pub struct ProxyArguments {
    /// The port that clients connect to, or `address:port` (port 0: any free one).
    #[arg(long, value_name = "PORT|ADDRESS:PORT")]
    pub listen: String,
    /// The broker, as `host:port`.
    #[arg(long, value_name = "HOST:PORT")]
    pub to: String,
    /// What the clients speak; MQTT's version is taken from each CONNECT.
    #[arg(long, value_name = "SPEC", value_parser = parse_spec, default_value = "mqtt-5.0")]
    pub spec: Spec,
    /// What goes wrong: a YAML list of faults as scenarios have them, about an actor `client` (docs/PROXY.md).
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Where all chance comes from.
    #[arg(long, value_name = "N", default_value_t, allow_hyphen_values = true)]
    pub seed: Seed,
    /// Write what passed into this file, too, when the proxy ends.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Print no packets, only what is wrong with them.
    #[arg(long, short)]
    pub quiet: bool,
    /// Leave out the bytes of the packets.
    #[arg(long)]
    pub no_bytes: bool,
    /// Count a SHOULD as a MUST.
    #[arg(long)]
    pub strict: bool,
}
