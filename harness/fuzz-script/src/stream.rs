//! The first byte of what the targets of the codecs read: who sends the rest, and in which version.

use mqspec_wire::{Side, Spec};

/// Bit 1 says which MQTT it is: 5.0 where it is set.
pub const fn version(choice: u8) -> Spec {
    if choice & 2 == 0 { Spec::Mqtt311 } else { Spec::Mqtt50 }
}

/// Bit 0 says who sends: the server where it is set.
pub const fn sender(choice: u8) -> Side {
    if choice & 1 == 0 { Side::Client } else { Side::Server }
}
