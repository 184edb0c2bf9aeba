//! Variable byte integers: seven bits a byte, least significant first, the top bit says that more follow
//! (5.0 section 1.5.5, 3.1.1 section 2.2.3).

use bytes::BufMut;

/// The largest value, four bytes `FF FF FF 7F`.
pub(super) const MAXIMUM: u32 = 268_435_455;

/// What stands at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Varint {
    /// The value and the number of bytes that it took, which may be more than it needs.
    Whole(u32, usize),
    /// The bytes end before the integer does.
    Cut,
    /// A fourth byte that says that more follow.
    TooLong,
}

/// Reads the integer at the beginning.
pub(super) fn read(bytes: &[u8]) -> Varint {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Varint::Whole(value, index + 1);
        }
    }
    if bytes.len() < 4 { Varint::Cut } else { Varint::TooLong }
}

/// The fewest bytes that hold the value.
pub(super) const fn width(value: u32) -> usize {
    match value {
        0..=127 => 1,
        128..=16_383 => 2,
        16_384..=2_097_151 => 3,
        _ => 4,
    }
}

/// Writes a value up to [`MAXIMUM`] in the fewest bytes.
pub(super) fn write(mut value: u32, out: &mut impl BufMut) {
    assert!(value <= MAXIMUM, "{value} does not fit four bytes of seven bits");
    while value > 0x7F {
        out.put_u8((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8((value & 0x7F) as u8);
}

#[cfg(test)]
mod tests {
    use super::{MAXIMUM, Varint, read, width, write};

    /// The borders of 5.0 table 1-1.
    const BORDERS: [(u32, &[u8]); 8] = [
        (0, &[0x00]),
        (127, &[0x7F]),
        (128, &[0x80, 0x01]),
        (16_383, &[0xFF, 0x7F]),
        (16_384, &[0x80, 0x80, 0x01]),
        (2_097_151, &[0xFF, 0xFF, 0x7F]),
        (2_097_152, &[0x80, 0x80, 0x80, 0x01]),
        (MAXIMUM, &[0xFF, 0xFF, 0xFF, 0x7F]),
    ];

    #[test]
    fn the_standards_borders_are_written_and_read() {
        for (value, bytes) in BORDERS {
            let mut out = Vec::new();
            write(value, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(read(bytes), Varint::Whole(value, bytes.len()));
            assert_eq!(width(value), bytes.len());
        }
    }

    #[test]
    fn longer_forms_and_unfinished_ones_are_told_apart() {
        assert_eq!(read(&[0x80, 0x00, 0xAA]), Varint::Whole(0, 2));
        assert_eq!(read(&[]), Varint::Cut);
        assert_eq!(read(&[0xFF, 0xFF, 0xFF]), Varint::Cut);
        assert_eq!(read(&[0x80, 0x80, 0x80, 0x80]), Varint::TooLong);
    }
}
