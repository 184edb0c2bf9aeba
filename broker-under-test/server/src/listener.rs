//! Where connections come from.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection's bytes, both ways: TCP, TLS, a simulated or an in-memory stream.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A connection that a listener let in.
pub struct Accepted {
    /// Its bytes.
    pub stream: Box<dyn Stream>,
    /// Who is at the other end, for people: `127.0.0.1:50812`.
    pub peer: String,
}

/// The next connection, in time. Dropping it loses none.
pub type Accept<'a> = Pin<Box<dyn Future<Output = io::Result<Accepted>> + 'a>>;

/// Lets connections in.
pub trait Listener {
    /// Waits for the next connection. An error concerns one connection; the shell asks again after a pause.
    fn accept(&mut self) -> Accept<'_>;
}

/// Listens on a TCP port.
#[derive(Debug)]
pub struct TcpListener {
    socket: tokio::net::TcpListener,
    address: SocketAddr,
}

/// Why a port cannot be listened on.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another process (or another listener of ours) has it.
    #[error("cannot listen on {0}: something else listens there already")]
    Taken(SocketAddr),
    /// Ports below 1024 usually belong to the system's administrator.
    #[error("cannot listen on {0}: not permitted; ports below 1024 need more rights")]
    NotPermitted(SocketAddr),
    /// The address is none of this machine's.
    #[error("cannot listen on {0}: this machine does not have that address")]
    NoSuchAddress(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {address}")]
    Io {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl TcpListener {
    /// Listens on an address; port 0 takes a free port, which [`TcpListener::address`] tells.
    ///
    /// # Errors
    ///
    /// The address cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let refused = |source: io::Error| Self::explain(address, source);
        let socket = tokio::net::TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self { socket, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn explain(address: SocketAddr, source: io::Error) -> BindError {
        let kind = source.kind();
        if kind == io::ErrorKind::AddrInUse {
            BindError::Taken(address)
        } else if kind == io::ErrorKind::PermissionDenied {
            BindError::NotPermitted(address)
        } else if kind == io::ErrorKind::AddrNotAvailable {
            BindError::NoSuchAddress(address)
        } else {
            BindError::Io { address, source }
        }
    }
}

impl Listener for TcpListener {
    fn accept(&mut self) -> Accept<'_> {
        Box::pin(async {
            let (stream, peer) = self.socket.accept().await?;
            // Packets are written whole, so waiting to fill a segment would only delay them.
            stream.set_nodelay(true)?;
            Ok(Accepted { stream: Box::new(stream), peer: peer.to_string() })
        })
    }
}
