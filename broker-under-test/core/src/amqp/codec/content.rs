//! Content headers and the fourteen basic properties (§4.2.6.1).

use super::{FieldTable, Reader};
use crate::amqp::Violation;

/// The class id of the only content there is.
pub const CLASS_BASIC: u16 = 60;

/// A property, in the order of the flags from bit 15 downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum Property {
    ContentType,
    ContentEncoding,
    Headers,
    DeliveryMode,
    Priority,
    CorrelationId,
    ReplyTo,
    Expiration,
    MessageId,
    Timestamp,
    Type,
    UserId,
    AppId,
    ClusterId,
}

impl Property {
    const ALL: [Self; 14] = [
        Self::ContentType,
        Self::ContentEncoding,
        Self::Headers,
        Self::DeliveryMode,
        Self::Priority,
        Self::CorrelationId,
        Self::ReplyTo,
        Self::Expiration,
        Self::MessageId,
        Self::Timestamp,
        Self::Type,
        Self::UserId,
        Self::AppId,
        Self::ClusterId,
    ];

    /// Its bit in the flags word.
    fn flag(self) -> u16 {
        0x8000 >> self as u16
    }
}

/// A content header frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContentHeader<'a> {
    /// Octets of all body frames together.
    pub body_size: u64,
    /// What is said about the content.
    pub properties: Properties<'a>,
}

impl<'a> ContentHeader<'a> {
    /// Reads a header frame's payload: class 2, weight 2, body size 8, flags 2, properties.
    ///
    /// # Errors
    /// [`Violation::ContentHeaderTruncated`], [`Violation::ContentClass`], [`Violation::ContentWeight`] or
    /// [`Violation::ContentProperties`].
    pub fn decode(payload: &'a [u8]) -> Result<Self, Violation> {
        let truncated = |_| Violation::ContentHeaderTruncated;
        let mut reader = Reader::new(payload);
        let class_id = reader.u16().map_err(truncated)?;
        let weight = reader.u16().map_err(truncated)?;
        let body_size = reader.u64().map_err(truncated)?;
        if reader.rest().len() < 2 {
            return Err(Violation::ContentHeaderTruncated);
        }
        if class_id != CLASS_BASIC {
            return Err(Violation::ContentClass(class_id));
        }
        if weight != 0 {
            return Err(Violation::ContentWeight(weight));
        }
        Ok(Self { body_size, properties: Properties::decode(reader.rest())? })
    }
}

/// The properties that are present, each as its octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties<'a> {
    values: [Option<&'a [u8]>; 14],
}

impl<'a> Properties<'a> {
    /// Reads flags and property list.
    ///
    /// # Errors
    /// [`Violation::ContentProperties`] for a flag without a property, a value that does not fit, octets left over
    /// or a headers table that is malformed.
    pub fn decode(octets: &'a [u8]) -> Result<Self, Violation> {
        Self::read(octets).map_err(|_| Violation::ContentProperties)
    }

    fn read(octets: &'a [u8]) -> Result<Self, Violation> {
        let mut reader = Reader::new(octets);
        let flags = reader.u16()?;
        // Bit 0 announces another word of flags, for which Basic has no properties: it can only be empty.
        let mut more = flags & 1 == 1;
        while more {
            let further = reader.u16()?;
            more = further == 1;
            if further > 1 {
                return Err(Violation::ContentProperties);
            }
        }
        if flags & 2 != 0 {
            return Err(Violation::ContentProperties);
        }
        let mut values = [None; 14];
        // From bit 15 downwards; 1 and 0 have been looked at.
        let mut present = flags & !3;
        while present != 0 {
            let index = present.leading_zeros() as usize;
            if let (Some(property), Some(value)) = (Property::ALL.get(index), values.get_mut(index)) {
                present &= !property.flag();
                *value = Some(read_property(*property, &mut reader)?);
            }
        }
        reader.end()?;
        Ok(Self { values })
    }

    /// The octets of one property's value, its length included where it has one.
    pub fn octets(&self, property: Property) -> Option<&'a [u8]> {
        self.values.get(property as usize).copied().flatten()
    }

    /// A property that is a short string.
    pub fn short_string(&self, property: Property) -> Option<&'a [u8]> {
        self.octets(property).and_then(|octets| octets.get(1..))
    }

    /// Delivery mode: 2 is persistent.
    pub fn delivery_mode(&self) -> Option<u8> {
        self.octets(Property::DeliveryMode).and_then(|octets| octets.first().copied())
    }

    /// Priority, by the standard 0 to 9.
    pub fn priority(&self) -> Option<u8> {
        self.octets(Property::Priority).and_then(|octets| octets.first().copied())
    }

    /// The headers table; empty where there is none.
    pub fn headers(&self) -> FieldTable<'a> {
        let entries = self.octets(Property::Headers).and_then(|octets| octets.get(4..)).unwrap_or_default();
        FieldTable::from_entries(entries).unwrap_or_default()
    }

    /// These properties with one value exchanged, given as [`Properties::octets`] gives it.
    #[must_use]
    pub fn with(mut self, property: Property, octets: Option<&'a [u8]>) -> Self {
        if let Some(value) = self.values.get_mut(property as usize) {
            *value = octets;
        }
        self
    }

    /// Flags and property list, as [`Properties::decode`] reads them.
    pub fn encode(&self) -> Vec<u8> {
        let flags = Property::ALL
            .into_iter()
            .filter(|property| self.octets(*property).is_some())
            .fold(0, |flags, property| flags | property.flag());
        let mut octets = flags.to_be_bytes().to_vec();
        for value in self.values.into_iter().flatten() {
            octets.extend_from_slice(value);
        }
        octets
    }
}

/// Splits one property's octets off.
fn read_property<'a>(property: Property, reader: &mut Reader<'a>) -> Result<&'a [u8], Violation> {
    let before = reader.rest();
    match property {
        Property::Headers => {
            reader.table()?;
        }
        Property::DeliveryMode | Property::Priority => {
            reader.u8()?;
        }
        Property::Timestamp => {
            reader.u64()?;
        }
        Property::ContentType
        | Property::ContentEncoding
        | Property::CorrelationId
        | Property::ReplyTo
        | Property::Expiration
        | Property::MessageId
        | Property::Type
        | Property::UserId
        | Property::AppId
        | Property::ClusterId => {
            reader.short_octets()?;
        }
    }
    let length = before.len().saturating_sub(reader.rest().len());
    before.get(..length).ok_or(Violation::ContentProperties)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Class 60, weight 0, body size 5, content-type "t" and delivery-mode 2.
    const HEADER: &[u8] = b"\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x90\x00\x01t\x02";

    #[test]
    fn flags_run_from_bit_15_in_property_order() {
        let header = ContentHeader::decode(HEADER).expect("well formed");
        assert_eq!(header.body_size, 5);
        assert_eq!(header.properties.short_string(Property::ContentType), Some(b"t".as_slice()));
        assert_eq!(header.properties.delivery_mode(), Some(2));
        assert_eq!(header.properties.octets(Property::ClusterId), None);
        assert_eq!(header.properties.encode(), b"\x90\x00\x01t\x02");
    }

    #[test]
    fn cluster_id_has_flag_0x0004() {
        let properties = Properties::decode(b"\x00\x04\x02ab").expect("well formed");
        assert_eq!(properties.short_string(Property::ClusterId), Some(b"ab".as_slice()));
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        for end in 0..HEADER.len() {
            let prefix = HEADER.get(..end).expect("end lies inside");
            let expected =
                if end < 14 { Violation::ContentHeaderTruncated } else { Violation::ContentProperties };
            assert_eq!(ContentHeader::decode(prefix), Err(expected), "{end} octets");
        }
    }

    #[test]
    fn class_and_weight_are_checked() {
        let other_class = b"\x00\x32\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
        assert_eq!(ContentHeader::decode(other_class), Err(Violation::ContentClass(50)));
        let weight = b"\x00\x3c\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
        assert_eq!(ContentHeader::decode(weight), Err(Violation::ContentWeight(1)));
    }

    #[test]
    fn flag_without_a_property_is_refused() {
        assert_eq!(Properties::decode(b"\x00\x02"), Err(Violation::ContentProperties));
        assert_eq!(Properties::decode(b"\x00\x01\x80\x00"), Err(Violation::ContentProperties));
        assert!(Properties::decode(b"\x00\x01\x00\x00").is_ok(), "an empty second word says nothing");
    }

    #[test]
    fn exchanged_value_leaves_the_others_alone() {
        let properties = Properties::decode(b"\x90\x00\x01t\x02").expect("well formed");
        let changed = properties.with(Property::ContentType, None).with(Property::Expiration, Some(b"\x011"));
        assert_eq!(changed.encode(), b"\x11\x00\x02\x011");
    }
}
