//! A cursor over the arguments of one method or header (§4.2.5).

use super::FieldTable;
use crate::amqp::Violation;

/// What is still unread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Violation> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Violation::Arguments)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Violation> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Violation::Arguments)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Violation> {
        self.array::<1>().map(u8::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, Violation> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, Violation> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, Violation> {
        self.array().map(u64::from_be_bytes)
    }

    /// Neighbouring bit arguments, packed from the low bit of one octet (§4.2.5.2).
    #[inline]
    pub(crate) fn bits(&mut self) -> Result<Bits, Violation> {
        self.u8().map(Bits)
    }

    /// An 8-bit length and as many octets (§4.2.5.3), unchecked.
    #[inline]
    pub(crate) fn short_octets(&mut self) -> Result<&'a [u8], Violation> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    /// A short string: UTF-8 without a zero octet.
    #[inline]
    pub(crate) fn short_string(&mut self) -> Result<&'a str, Violation> {
        let octets = self.short_octets()?;
        // Without an early end, so that it takes many octets at a time.
        if octets.iter().fold(0, |found, octet| found | u8::from(*octet == 0)) != 0 {
            return Err(Violation::ShortStringNul);
        }
        std::str::from_utf8(octets).map_err(|_| Violation::ShortStringNotUtf8)
    }

    /// A 32-bit length and as many octets.
    #[inline]
    pub(crate) fn long_octets(&mut self) -> Result<&'a [u8], Violation> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| Violation::Arguments)?)
    }

    /// A field table, checked as a whole (§4.2.5.5).
    #[inline]
    pub(crate) fn table(&mut self) -> Result<FieldTable<'a>, Violation> {
        FieldTable::from_entries(self.long_octets()?)
    }

    /// Nothing may be left: argument lists are fixed (§4.2.4).
    #[inline]
    pub(crate) fn end(self) -> Result<(), Violation> {
        if self.rest.is_empty() { Ok(()) } else { Err(Violation::Arguments) }
    }
}

/// Up to eight packed bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bits(u8);

impl Bits {
    #[inline]
    pub(crate) fn bit(self, number: u8) -> bool {
        self.0 >> number & 1 == 1
    }
}
