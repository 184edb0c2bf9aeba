//! A broker that somebody else runs, and where to find it.

use url::Url;

/// Where a live broker listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its MQTT listener.
    pub mqtt: Option<Endpoint>,
    /// Its AMQP listener.
    pub amqp: Option<Endpoint>,
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name and password, where the URL has them.
    pub login: Option<(String, String)>,
    /// AMQP's virtual host.
    pub vhost: String,
}

/// Why a broker's address cannot be used; says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL at all.
    #[error("this is not a URL ({0}); write mqtt://HOST:PORT or amqp://USER:PASSWORD@HOST:PORT/VHOST")]
    NotAUrl(String),
    /// A host, perhaps with its port, and no scheme.
    #[error("`{0}` does not say which protocol; write mqtt://{0} or amqp://{0}")]
    NoScheme(String),
    /// A scheme that means TLS or WebSocket.
    #[error(
        "mqspec does not speak `{0}://`, only mqtt:// and amqp:// over plain TCP; give it a listener without TLS or \
         WebSocket, or end them in front of the broker"
    )]
    NotPlain(String),
    /// A scheme that stands for nothing that we speak.
    #[error("`{0}://` is not a protocol that mqspec speaks over TCP; use mqtt:// or amqp://")]
    UnknownScheme(String),
    /// No host.
    #[error("this URL names no host; write mqtt://HOST:PORT or amqp://HOST:PORT")]
    NoHost,
}

/// `127.0.0.1:1883`, `[::1]:1883`.
impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Target {
    /// Reads `mqtt://host:port` or `amqp://user:password@host:port/vhost`; ports default to 1883 and 5672.
    ///
    /// # Errors
    ///
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if is_bare_host(text) {
            return Err(TargetError::NoScheme(text.to_owned()));
        }
        // The text may hold a password, and is not told.
        let url = Url::parse(text).map_err(|error| TargetError::NotAUrl(error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(TargetError::NoHost)?;
        let login = (!url.username().is_empty())
            .then(|| (decode(url.username()), decode(url.password().unwrap_or_default())));
        let endpoint = |default_port| Endpoint {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(default_port),
            login: login.clone(),
            vhost: match url.path() {
                "" | "/" => String::from("/"),
                path => decode(path.trim_start_matches('/')),
            },
        };
        match url.scheme() {
            "mqtt" | "tcp" => Ok(Self { mqtt: Some(endpoint(1883)), amqp: None }),
            "amqp" => Ok(Self { mqtt: None, amqp: Some(endpoint(5672)) }),
            other @ ("mqtts" | "amqps" | "ssl" | "tls" | "ws" | "wss") => {
                Err(TargetError::NotPlain(other.to_owned()))
            }
            other => Err(TargetError::UnknownScheme(other.to_owned())),
        }
    }
}

/// `localhost`, `broker.example:1883` or `127.0.0.1:1883`: what people write who leave the scheme out.
fn is_bare_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "1"));
    let letters =
        host.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_'));
    !host.is_empty() && letters && port.parse::<u16>().is_ok()
}

/// Undoes percent-encoding; what is not valid UTF-8 then is replaced, as no broker could take it either.
fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_amqp_url_is_read_whole() {
        let target = Target::parse("amqp://us%40er:p%3Ass@127.0.0.1:5673/my%2Fvhost").expect("valid");
        let endpoint = target.amqp.expect("an AMQP endpoint");
        assert_eq!((endpoint.host.as_str(), endpoint.port), ("127.0.0.1", 5673));
        assert_eq!(endpoint.login, Some((String::from("us@er"), String::from("p:ss"))));
        assert_eq!(endpoint.vhost, "my/vhost");
    }

    #[test]
    fn ports_have_their_defaults() {
        let port = |text: &str| {
            let target = Target::parse(text).expect("valid");
            target.mqtt.or(target.amqp).map(|endpoint| endpoint.port)
        };
        assert_eq!(port("mqtt://localhost"), Some(1883));
        assert_eq!(port("amqp://localhost"), Some(5672));
    }

    #[test]
    fn a_wrong_address_says_what_would_be_right() {
        for text in ["localhost:1883", "http://localhost", "mqtt://", "nonsense", "", "/tmp", "mqtts://h"] {
            let error = Target::parse(text).expect_err("not an address of a broker").to_string();
            assert!(error.contains("mqtt://"), "{text}: {error}");
        }
        for text in ["localhost", "127.0.0.1:1883", "broker.example:1883"] {
            assert_eq!(Target::parse(text), Err(TargetError::NoScheme(text.to_owned())));
        }
    }

    #[test]
    fn tls_is_called_by_its_name() {
        for text in ["mqtts://localhost:8883", "amqps://localhost", "wss://localhost/mqtt"] {
            let error = Target::parse(text).expect_err("it is not plain TCP").to_string();
            assert!(error.contains("TLS"), "{text}: {error}");
        }
    }

    #[test]
    fn a_password_is_never_told() {
        for text in ["mqtt://me:secret@h:99999", "mqtts://me:secret@h", "me:secret@h"] {
            let error = Target::parse(text).expect_err("not an address of a broker").to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
