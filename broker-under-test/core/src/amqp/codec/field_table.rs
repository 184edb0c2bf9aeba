//! Field tables and arrays (§4.2.5.5), as views that keep order, duplicates and tags.
//!
//! A table is checked once as a whole, without recursion and without allocation; after that, reading it cannot
//! fail. What is forwarded is its octets.

use super::Reader;
use crate::amqp::Violation;

/// How deep tables and arrays may nest; the outermost counts as one.
pub const MAX_DEPTH: usize = 64;

/// A checked table: name, tag and value of each field, without the length in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldTable<'a> {
    entries: &'a [u8],
}

/// A checked array: tag and value of each element, without the length in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldArray<'a> {
    elements: &'a [u8],
}

/// One value, by the tags that RabbitMQ and Qpid use where the grammar disagrees (errata 3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// `t`: zero is false.
    Boolean(bool),
    /// `b` signed 8, `B` unsigned 8, `s` or `U` signed 16, `u` unsigned 16, `I` signed 32, `i` unsigned 32,
    /// `l` or `L` signed 64: all fit.
    Integer(i64),
    /// `f`: single precision.
    Float(f32),
    /// `d`: double precision.
    Double(f64),
    /// `D`: a scale and a signed 32-bit value.
    Decimal(u8, i32),
    /// `S`: any octets.
    LongString(&'a [u8]),
    /// `x`: any octets.
    ByteArray(&'a [u8]),
    /// `A`.
    Array(FieldArray<'a>),
    /// `T`: POSIX seconds.
    Timestamp(u64),
    /// `F`.
    Table(FieldTable<'a>),
    /// `V`: no value.
    Void,
}

impl<'a> FieldTable<'a> {
    /// Checks the fields of a table (the octets after its length).
    ///
    /// # Errors
    /// [`Violation::FieldType`], [`Violation::TableDepth`], or [`Violation::TableLayout`] where a part does not
    /// fit into what surrounds it.
    pub fn from_entries(entries: &'a [u8]) -> Result<Self, Violation> {
        check(entries)?;
        Ok(Self { entries })
    }

    /// The octets of the fields, as they came.
    pub fn octets(self) -> &'a [u8] {
        self.entries
    }

    /// Whether there are no fields.
    pub fn is_empty(self) -> bool {
        self.entries.is_empty()
    }

    /// Each field in the order sent, duplicates included.
    pub fn iter(self) -> impl Iterator<Item = Field<'a>> {
        let mut reader = Reader::new(self.entries);
        std::iter::from_fn(move || {
            let before = reader.rest();
            let name = reader.short_octets().ok()?;
            let value = read_value(&mut reader)?;
            let length = before.len().checked_sub(reader.rest().len())?;
            Some(Field { name, value, octets: before.get(..length)? })
        })
    }

    /// The first field of that name.
    pub fn get(self, name: &str) -> Option<FieldValue<'a>> {
        self.iter().find(|field| field.name == name.as_bytes()).map(|field| field.value)
    }
}

/// One field of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'a> {
    /// Its name; brokers do not hold names to the grammar, `x-match` itself breaks it.
    pub name: &'a [u8],
    /// Its value.
    pub value: FieldValue<'a>,
    /// Name, tag and value as they came.
    pub octets: &'a [u8],
}

impl<'a> FieldArray<'a> {
    /// Each element in order.
    pub fn iter(self) -> impl Iterator<Item = FieldValue<'a>> {
        let mut reader = Reader::new(self.elements);
        std::iter::from_fn(move || read_value(&mut reader))
    }

    /// Each element in order, as its octets (tag and value) and its value.
    pub fn iter_octets(self) -> impl Iterator<Item = (&'a [u8], FieldValue<'a>)> {
        let mut reader = Reader::new(self.elements);
        std::iter::from_fn(move || {
            let before = reader.rest();
            let value = read_value(&mut reader)?;
            let length = before.len().checked_sub(reader.rest().len())?;
            Some((before.get(..length)?, value))
        })
    }
}

impl FieldValue<'_> {
    /// The octets of a string.
    pub fn as_string(&self) -> Option<&[u8]> {
        if let Self::LongString(octets) = self { Some(octets) } else { None }
    }

    /// An integer of any width.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }
}

/// Reads a tag and its value; `None` at the end.
fn read_value<'a>(reader: &mut Reader<'a>) -> Option<FieldValue<'a>> {
    let tag = reader.u8().ok()?;
    let value = match tag {
        b't' => FieldValue::Boolean(reader.u8().ok()? != 0),
        b'b' => FieldValue::Integer(i64::from(reader.u8().ok()?.cast_signed())),
        b'B' => FieldValue::Integer(i64::from(reader.u8().ok()?)),
        b's' | b'U' => FieldValue::Integer(i64::from(reader.u16().ok()?.cast_signed())),
        b'u' => FieldValue::Integer(i64::from(reader.u16().ok()?)),
        b'I' => FieldValue::Integer(i64::from(reader.u32().ok()?.cast_signed())),
        b'i' => FieldValue::Integer(i64::from(reader.u32().ok()?)),
        b'l' | b'L' => FieldValue::Integer(reader.u64().ok()?.cast_signed()),
        b'f' => FieldValue::Float(f32::from_bits(reader.u32().ok()?)),
        b'd' => FieldValue::Double(f64::from_bits(reader.u64().ok()?)),
        b'D' => FieldValue::Decimal(reader.u8().ok()?, reader.u32().ok()?.cast_signed()),
        b'S' => FieldValue::LongString(reader.long_octets().ok()?),
        b'x' => FieldValue::ByteArray(reader.long_octets().ok()?),
        b'A' => FieldValue::Array(FieldArray { elements: reader.long_octets().ok()? }),
        b'T' => FieldValue::Timestamp(reader.u64().ok()?),
        b'F' => FieldValue::Table(FieldTable { entries: reader.long_octets().ok()? }),
        b'V' => FieldValue::Void,
        _ => return None,
    };
    Some(value)
}

/// A table or array that is being checked: what of it is still unread.
#[derive(Clone, Copy)]
struct Open<'a> {
    rest: Reader<'a>,
    is_table: bool,
}

/// Checks that fields fill their tables and arrays exactly.
fn check(entries: &[u8]) -> Result<(), Violation> {
    let mut reader = Reader::new(entries);
    while !reader.rest().is_empty() {
        if let Some(inner) = check_one(&mut reader, true)? {
            return check_nested(Open { rest: reader, is_table: true }, inner);
        }
    }
    Ok(())
}

/// The same from the first table or array inside on, with a stack of fixed size instead of recursion.
#[cold]
fn check_nested<'a>(outermost: Open<'a>, inner: Open<'a>) -> Result<(), Violation> {
    let mut stack = [outermost; MAX_DEPTH];
    let mut depth: usize = 2;
    if let Some(second) = stack.get_mut(1) {
        *second = inner;
    }
    while let Some(top) = depth.checked_sub(1).and_then(|top| stack.get_mut(top)) {
        if top.rest.rest().is_empty() {
            depth -= 1;
            continue;
        }
        if let Some(inner) = check_one(&mut top.rest, top.is_table)? {
            *stack.get_mut(depth).ok_or(Violation::TableDepth)? = inner;
            depth += 1;
        }
    }
    Ok(())
}

/// Reads one field or element; a table or array inside is handed back to be checked next.
fn check_one<'a>(reader: &mut Reader<'a>, named: bool) -> Result<Option<Open<'a>>, Violation> {
    let layout = |_| Violation::TableLayout;
    if named {
        reader.short_octets().map_err(layout)?;
    }
    let tag = reader.u8().map_err(layout)?;
    let fixed = match tag {
        b'V' => 0,
        b't' | b'b' | b'B' => 1,
        b's' | b'U' | b'u' => 2,
        b'I' | b'i' | b'f' => 4,
        b'D' => 5,
        b'l' | b'L' | b'd' | b'T' => 8,
        b'S' | b'x' => {
            reader.long_octets().map_err(layout)?;
            0
        }
        b'A' | b'F' => {
            let rest = Reader::new(reader.long_octets().map_err(layout)?);
            return Ok(Some(Open { rest, is_table: tag == b'F' }));
        }
        unknown => return Err(Violation::FieldType(unknown)),
    };
    reader.take(fixed).map_err(layout)?;
    Ok(None)
}

/// Whether two tables say the same, in any order, duplicates included.
pub(crate) fn same_fields(one: FieldTable<'_>, other: FieldTable<'_>) -> bool {
    let sorted = |table: FieldTable<'_>| {
        let mut fields: Vec<Vec<u8>> = table.iter().map(|field| field.octets.to_vec()).collect();
        fields.sort_unstable();
        fields
    };
    one == other || sorted(one) == sorted(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_duplicates_and_tags_are_kept() {
        let octets = b"\x01at\x01\x01bI\xff\xff\xff\xfe\x01aS\x00\x00\x00\x02hi";
        let table = FieldTable::from_entries(octets).expect("well formed");
        let fields: Vec<_> = table.iter().map(|field| (field.name, field.value)).collect();
        assert_eq!(
            fields,
            [
                (b"a".as_slice(), FieldValue::Boolean(true)),
                (b"b".as_slice(), FieldValue::Integer(-2)),
                (b"a".as_slice(), FieldValue::LongString(b"hi")),
            ]
        );
        assert_eq!(table.get("a"), Some(FieldValue::Boolean(true)), "the first of two");
        assert_eq!(table.octets(), octets);
    }

    #[test]
    fn each_tag_has_its_width_and_sign() {
        let cases: [(&[u8], FieldValue<'_>); 17] = [
            (b"t\x05", FieldValue::Boolean(true)),
            (b"b\xff", FieldValue::Integer(-1)),
            (b"B\xff", FieldValue::Integer(255)),
            (b"s\xff\xfe", FieldValue::Integer(-2)),
            (b"U\xff\xfe", FieldValue::Integer(-2)),
            (b"u\xff\xfe", FieldValue::Integer(65_534)),
            (b"I\xff\xff\xff\xff", FieldValue::Integer(-1)),
            (b"i\xff\xff\xff\xff", FieldValue::Integer(4_294_967_295)),
            (b"l\xff\xff\xff\xff\xff\xff\xff\xff", FieldValue::Integer(-1)),
            (b"L\x00\x00\x00\x00\x00\x00\x00\x07", FieldValue::Integer(7)),
            (b"f\x3f\x80\x00\x00", FieldValue::Float(1.0)),
            (b"d\x40\x00\x00\x00\x00\x00\x00\x00", FieldValue::Double(2.0)),
            (b"D\x02\xff\xff\xff\xff", FieldValue::Decimal(2, -1)),
            (b"x\x00\x00\x00\x01\x00", FieldValue::ByteArray(b"\x00")),
            (b"T\x00\x00\x00\x00\x00\x00\x00\x01", FieldValue::Timestamp(1)),
            (b"V", FieldValue::Void),
            (b"F\x00\x00\x00\x00", FieldValue::Table(FieldTable { entries: b"" })),
        ];
        for (value, expected) in cases {
            let octets = [b"\x01k", value].concat();
            let table = FieldTable::from_entries(&octets).expect("well formed");
            assert_eq!(table.get("k"), Some(expected), "{value:x?}");
        }
    }

    #[test]
    fn unknown_tag_is_named() {
        assert_eq!(FieldTable::from_entries(b"\x01az\x00"), Err(Violation::FieldType(b'z')));
    }

    #[test]
    fn value_that_leaves_its_table_is_refused() {
        for octets in [&b"\x05ab"[..], b"\x01a", b"\x01aI\x00", b"\x01aS\x00\x00\x00\x09x"] {
            assert_eq!(FieldTable::from_entries(octets), Err(Violation::TableLayout), "{octets:x?}");
        }
    }

    #[test]
    fn inner_table_is_checked_too() {
        assert_eq!(
            FieldTable::from_entries(b"\x01aF\x00\x00\x00\x03\x01bz"),
            Err(Violation::FieldType(b'z'))
        );
    }

    /// A table with `depth - 1` tables inside, each empty but for the next.
    fn nested(depth: usize) -> Vec<u8> {
        let mut entries = Vec::new();
        for _ in 1..depth {
            let length = u32::try_from(entries.len()).expect("short").to_be_bytes();
            entries = [b"\x00F".as_slice(), &length, &entries].concat();
        }
        entries
    }

    #[test]
    fn sixty_four_levels_pass_and_sixty_five_do_not() {
        assert!(FieldTable::from_entries(&nested(64)).is_ok());
        assert_eq!(FieldTable::from_entries(&nested(65)), Err(Violation::TableDepth));
        assert_eq!(FieldTable::from_entries(&nested(20_000)), Err(Violation::TableDepth));
    }

    #[test]
    fn tables_are_the_same_in_any_order() {
        let one = FieldTable::from_entries(b"\x01aV\x01bV").expect("well formed");
        let other = FieldTable::from_entries(b"\x01bV\x01aV").expect("well formed");
        let twice = FieldTable::from_entries(b"\x01bV\x01bV").expect("well formed");
        assert!(same_fields(one, other));
        assert!(!same_fields(one, twice));
    }
}
