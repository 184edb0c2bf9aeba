//! The bytes and strings that all bodies are made of.

use bytes::Bytes;

use super::Reader;
use crate::message::message;
use crate::mqtt::rule::Rule;
use crate::mqtt::text::{self, Text};
use crate::mqtt::varint::{self, Varint};
use crate::packet::Span;

impl Reader<'_> {
    /// The next bytes, this many.
    pub(super) fn take(&mut self, length: usize, name: &'static str, missing: Rule) -> Option<Span> {
        let left = self.end - self.at;
        if left < length {
            let span = self.at..self.end;
            self.at = self.end;
            let message = message!("`{}` needs {} bytes and {} are left", name, length, left);
            self.note(missing, span, message);
            return None;
        }
        self.at += length;
        Some(self.at - length..self.at)
    }

    pub(super) fn take_rest(&mut self) -> Span {
        let span = self.at..self.end;
        self.at = self.end;
        span
    }

    pub(super) fn byte(&mut self, name: &'static str, missing: Rule) -> Option<u8> {
        let span = self.take(1, name, missing)?;
        self.raw.get(span.start).copied()
    }

    pub(super) fn two_bytes(&mut self, name: &'static str, missing: Rule) -> Option<u16> {
        let span = self.take(2, name, missing)?;
        self.raw.get(span)?.try_into().ok().map(u16::from_be_bytes)
    }

    pub(super) fn four_bytes(&mut self, name: &'static str, missing: Rule) -> Option<u32> {
        let span = self.take(4, name, missing)?;
        self.raw.get(span)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A variable byte integer inside the body.
    pub(super) fn variable(&mut self, name: &'static str, missing: Rule) -> Option<u32> {
        let start = self.at;
        match varint::read(self.raw.get(start..self.end).unwrap_or_default()) {
            Varint::Whole(value, width) => {
                self.at += width;
                if varint::width(value) < width {
                    let message = message!("`{}` {} takes {} bytes", name, value, width);
                    self.note(Rule::LengthNotMinimal, start..self.at, message);
                }
                Some(value)
            }
            Varint::Cut => {
                let message = message!("`{}` is cut off", name);
                self.note(missing, start..self.end, message);
                None
            }
            Varint::TooLong => {
                let message = message!("`{}` does not end with its fourth byte", name);
                self.note(Rule::LengthTooLong, start..start + 4, message);
                None
            }
        }
    }

    /// Bytes behind a length of two bytes: where they are, without the length.
    pub(super) fn prefixed(&mut self, name: &'static str, missing: Rule) -> Option<Span> {
        let length = self.two_bytes(name, missing)?;
        self.take(length.into(), name, missing)
    }

    /// A string, checked for what it is used for.
    pub(super) fn text(&mut self, text: Text, name: &'static str, missing: Rule) -> Option<Bytes> {
        let span = self.prefixed(name, missing)?;
        let bytes = self.raw.slice(span.clone());
        let spec = self.spec;
        text::check(text, spec, name, &bytes, |rule, odd, message| {
            self.note(rule, span.start + odd.start..span.start + odd.end, message);
        });
        Some(bytes)
    }
}
