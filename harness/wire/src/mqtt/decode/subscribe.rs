//! Payloads of SUBSCRIBE and UNSUBSCRIBE (sections 3.8.3 and 3.10.3).

use bytes::Bytes;

use super::Reader;
use crate::message::{Seen, message};
use crate::mqtt::rule::Rule;
use crate::mqtt::text::{self, Text};
use crate::spec::Spec;
use crate::value::Value;

impl Reader<'_> {
    /// Filters, each with a byte of options. Entries before a cut one are kept.
    pub(super) fn subscriptions(&mut self, name: &'static str) -> Option<()> {
        let start = self.at;
        let mut entries = Vec::new();
        while self.at < self.end {
            let Some(entry) = self.subscription() else {
                self.field(name, Value::List(entries), start..self.at);
                return None;
            };
            entries.push(entry);
        }
        if entries.is_empty() {
            self.note(Rule::SubscribeEmpty, start..start, "there is no topic filter");
        }
        self.field(name, Value::List(entries), start..self.at);
        Some(())
    }

    fn subscription(&mut self) -> Option<Value> {
        let filter = self.text(Text::SubscribeFilter, "filter", Rule::BodyTruncated)?;
        let at = self.at;
        let options = self.byte("subscription options", Rule::BodyTruncated)?;
        let span = at..self.at;
        let qos = options & 0b11;
        let reserved = if self.spec == Spec::Mqtt50 { 0b1100_0000 } else { 0b1111_1100 };
        if options & reserved != 0 {
            let message = message!("reserved subscription options are set: {}", Seen::Hex(options.into()));
            self.note(Rule::SubscriptionOptionsReserved, span.clone(), message);
        }
        if qos == 3 {
            self.note(Rule::SubscriptionQosThree, span.clone(), "the requested QoS is 3");
        }
        let integer = |number: u8| Value::Integer(number.into());
        let shared = text::is_shared(&filter);
        let mut entry = Vec::with_capacity(5);
        entry.push((Bytes::from_static(b"filter"), Value::Bytes(filter)));
        entry.push((Bytes::from_static(b"qos"), integer(qos)));
        if self.spec == Spec::Mqtt50 {
            let no_local = options & 0b100 != 0;
            let retain_handling = options >> 4 & 0b11;
            entry.push((Bytes::from_static(b"no_local"), Value::Bool(no_local)));
            entry.push((Bytes::from_static(b"retain_as_published"), Value::Bool(options & 0b1000 != 0)));
            entry.push((Bytes::from_static(b"retain_handling"), integer(retain_handling)));
            if retain_handling == 3 {
                self.note(Rule::RetainHandlingThree, span.clone(), "retain handling is 3");
            }
            if no_local && shared {
                self.note(Rule::NoLocalOnShared, span, "no local is set on a shared subscription");
            }
        }
        Some(Value::Map(entry))
    }

    /// Filters alone. Those before a cut one are kept.
    pub(super) fn filters(&mut self, name: &'static str) -> Option<()> {
        let start = self.at;
        let mut filters = Vec::new();
        while self.at < self.end {
            let Some(filter) = self.text(Text::UnsubscribeFilter, "filter", Rule::BodyTruncated) else {
                self.field(name, Value::List(filters), start..self.at);
                return None;
            };
            filters.push(Value::Bytes(filter));
        }
        if filters.is_empty() {
            self.note(Rule::UnsubscribeEmpty, start..start, "there is no topic filter");
        }
        self.field(name, Value::List(filters), start..self.at);
        Some(())
    }
}
