//! Brokers' passwords: reports are passed around and must not show them, replay lines must work all the same.

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Where brokers have their files: what they print, and addresses that nobody else is to read.
pub const FOLDER: &str = ".mqspec/brokers";

/// A broker's URL as a report may show it: a password other than the `guest` that everybody knows is left out.
pub fn without_secret(broker: &str) -> Cow<'_, str> {
    match parts(broker) {
        Some((scheme, user, host)) => Cow::Owned(format!("{scheme}://{user}:…@{host}")),
        None => Cow::Borrowed(broker),
    }
}

/// What to write behind `--broker` to reach the same broker again: the URL or profile as given, or, where that
/// holds a password, the private profile that [`keep`] wrote.
pub fn to_paste(broker: &str) -> Cow<'_, str> {
    match parts(broker) {
        Some((scheme, user, host)) => {
            Cow::Owned(format!("{FOLDER}/{}.yaml", file_name(&format!("{scheme}-{user}-{host}"))))
        }
        None => Cow::Borrowed(broker),
    }
}

/// Keeps a URL that holds a password in a profile that only its owner can read, for [`to_paste`].
///
/// # Errors
///
/// The file cannot be written.
pub fn keep(broker: &str) -> io::Result<()> {
    let Some((scheme, ..)) = parts(broker) else { return Ok(()) };
    let protocol = if scheme == "amqp" { "amqp" } else { "mqtt" };
    let path = to_paste(broker);
    fs::create_dir_all(FOLDER)?;
    // An older file keeps its permissions when it is opened again.
    if Path::new(&*path).exists() {
        fs::remove_file(&*path)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&*path)?;
    // JSON's text is YAML's as well.
    writeln!(file, "# Kept by mqspec for its replay lines.\n{protocol}: {}", serde_json::json!(broker))
}

/// A name without what a file name should not have.
pub fn file_name(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// Scheme, user, and the rest behind the password, of a URL that holds a password worth hiding.
fn parts(broker: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = broker.split_once("://")?;
    let (login, host) = rest.rsplit_once('@')?;
    let (user, password) = login.split_once(':')?;
    (password != "guest").then_some((scheme, user, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_password_worth_hiding_is_hidden() {
        assert_eq!(without_secret("amqp://me:secret@host:5672/v"), "amqp://me:…@host:5672/v");
        for harmless in ["amqp://guest:guest@h", "mqtt://h:1883", "mqtt://me@h", "profiles/rabbitmq.yaml"] {
            assert_eq!(without_secret(harmless), harmless);
            assert_eq!(to_paste(harmless), harmless);
        }
    }

    #[test]
    fn what_is_to_be_pasted_names_the_broker_and_no_secret() {
        assert_eq!(to_paste("amqp://me:s@cret@host:5672/v"), ".mqspec/brokers/amqp-me-host-5672-v.yaml");
    }
}
