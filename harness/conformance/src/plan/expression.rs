//! Values that are only known while a plan runs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::{BufMut as _, Bytes, BytesMut};
use mqspec_wire::{Draft, Name, Value};

use crate::decimal::Decimal;

/// Names and the values bound to them so far. `run` is always bound: a token that makes names unique to
/// this run on a broker that others use too.
pub type Bindings = BTreeMap<String, Value>;

/// A value, or how to get one.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// As written.
    Literal(Value),
    /// `$name`: the bound value, with its type.
    Name(String),
    /// `"sensors/${i}/x"`: text with bound values inside.
    Text(Vec<TextPart>),
    /// A list with expressions inside.
    List(Vec<Expression>),
    /// Named values with expressions inside.
    Map(Vec<(String, Expression)>),
    /// A table value with an AMQP type tag.
    Tagged(u8, Box<Expression>),
    /// `{ fill: "x", times: 70000 }`.
    Repeated {
        /// What is repeated.
        unit: Box<Expression>,
        /// How often.
        times: u64,
    },
}

/// A piece of a text with names in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// As written.
    Literal(String),
    /// The text form of a bound value.
    Name(String),
}

/// A packet to send, with expressions for values.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Template {
    /// The packet's name.
    pub name: Name,
    /// Its fields.
    pub fields: Vec<(Name, Expression)>,
    /// Its deviations (see [`Draft::malformed`]).
    pub malformed: Vec<(Name, Expression)>,
}

/// A name that nothing has been bound to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`${0}` is not bound at this point")]
pub struct Unbound(pub String);

impl Expression {
    /// The value, given what is bound: lent where it is there already.
    ///
    /// # Errors
    ///
    /// As [`Expression::evaluate`].
    pub fn look_up<'a>(&'a self, bindings: &'a Bindings) -> Result<Cow<'a, Value>, Unbound> {
        Ok(match self {
            Self::Literal(value) => Cow::Borrowed(value),
            Self::Name(name) => Cow::Borrowed(lookup(name, bindings)?),
            Self::Text(_) | Self::List(_) | Self::Map(_) | Self::Tagged(..) | Self::Repeated { .. } => {
                Cow::Owned(self.evaluate(bindings)?)
            }
        })
    }

    /// The value, given what is bound.
    ///
    /// # Errors
    ///
    /// A name that is not bound (scenarios are checked for that when they are loaded; a plan from elsewhere
    /// may still hold one).
    pub fn evaluate(&self, bindings: &Bindings) -> Result<Value, Unbound> {
        // Most texts are that short.
        self.evaluate_on(&mut BytesMut::with_capacity(64), bindings)
    }

    /// The same; texts are written on `paper`, from which they are cut off: many of them share an allocation.
    fn evaluate_on(&self, paper: &mut BytesMut, bindings: &Bindings) -> Result<Value, Unbound> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Name(name) => lookup(name, bindings)?.clone(),
            Self::Text(parts) => {
                // What was written when a name turned out not to be bound.
                paper.clear();
                for part in parts {
                    match part {
                        TextPart::Literal(literal) => paper.put_slice(literal.as_bytes()),
                        TextPart::Name(name) => {
                            let value = lookup(name, bindings)?;
                            match (value.as_bytes(), value) {
                                (Some(bytes), _) => paper.put_slice(bytes),
                                (None, Value::Integer(number)) => {
                                    paper.put_slice(Decimal::signed(*number).as_bytes());
                                }
                                // Writing cannot fail: the paper grows.
                                (None, other) => drop(write!(paper, "{other}")),
                            }
                        }
                    }
                }
                Value::Bytes(paper.split().freeze())
            }
            Self::List(items) => {
                let items = items.iter().map(|item| item.evaluate_on(paper, bindings));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| {
                        Ok((Bytes::copy_from_slice(key.as_bytes()), value.evaluate_on(paper, bindings)?))
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Self::Tagged(tag, value) => Value::Tagged(*tag, Box::new(value.evaluate_on(paper, bindings)?)),
            Self::Repeated { unit, times } => {
                let unit = unit.evaluate_on(paper, bindings)?;
                let unit = unit.as_bytes().cloned().unwrap_or_default();
                Value::Bytes(Bytes::from(unit.repeat(usize::try_from(*times).unwrap_or(usize::MAX))))
            }
        })
    }
}

pub(super) fn lookup<'a>(name: &str, bindings: &'a Bindings) -> Result<&'a Value, Unbound> {
    bindings.get(name).ok_or_else(|| Unbound(name.to_owned()))
}

impl Template {
    /// The packet, given what is bound.
    ///
    /// # Errors
    ///
    /// As [`Expression::evaluate`].
    pub fn evaluate(&self, bindings: &Bindings) -> Result<Draft, Unbound> {
        let mut form = Form { draft: Draft::default(), paper: BytesMut::with_capacity(64) };
        form.fill_in(self, bindings)?;
        Ok(form.draft)
    }
}

/// A form to fill in one packet after another, whose room is kept.
#[derive(Debug)]
pub struct Form {
    draft: Draft,
    /// Where texts are written. Those of one packet are gone when the next one is filled in, and leave their room to it.
    paper: BytesMut,
}

impl Default for Form {
    fn default() -> Self {
        Self { draft: Draft::default(), paper: BytesMut::with_capacity(1024) }
    }
}

impl Form {
    /// The packet, given what is bound.
    ///
    /// # Errors
    ///
    /// As [`Expression::evaluate`].
    pub fn fill_in(&mut self, template: &Template, bindings: &Bindings) -> Result<&mut Draft, Unbound> {
        let Self { draft, paper } = self;
        let mut all = |fields: &[(Name, Expression)], known: &mut Vec<(Name, Value)>| {
            known.clear();
            known.reserve(fields.len());
            for (name, value) in fields {
                known.push((name.clone(), value.evaluate_on(paper, bindings)?));
            }
            Ok::<_, Unbound>(())
        };
        draft.name.clone_from(&template.name);
        all(&template.fields, &mut draft.fields)?;
        all(&template.malformed, &mut draft.malformed)?;
        Ok(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_nothing_of_the_packet_before() {
        let text = |parts: &[TextPart]| Expression::Text(parts.to_vec());
        let (literal, name) =
            (|text: &str| TextPart::Literal(text.into()), |name: &str| TextPart::Name(name.into()));
        let first = Template {
            name: "publish".into(),
            fields: vec![
                (
                    "topic".into(),
                    text(&[name("run"), literal("/"), name("count"), literal("/"), name("tagged")]),
                ),
                ("payload".into(), text(&[name("count")])),
            ],
            malformed: vec![("append".into(), text(&[]))],
        };
        let unbound = Template {
            name: "publish".into(),
            fields: vec![("topic".into(), text(&[literal("half a "), name("nobody")]))],
            malformed: Vec::new(),
        };
        let last = Template { name: "puback".into(), fields: Vec::new(), malformed: Vec::new() };
        let bindings = Bindings::from([
            ("run".into(), Value::text("r")),
            ("count".into(), 12.into()),
            ("tagged".into(), Value::Tagged(b'I', Box::new(12.into()))),
        ]);
        let filled =
            Draft::new("publish").with("topic", "r/12/I:12").with("payload", "12").malformed("append", "");
        let mut form = Form::default();
        let kept = form.fill_in(&first, &bindings).cloned();
        assert_eq!(kept.as_ref(), Ok(&filled));
        assert_eq!(form.fill_in(&unbound, &bindings), Err(Unbound("nobody".into())));
        assert_eq!(form.fill_in(&first, &bindings), Ok(&mut filled.clone()));
        assert_eq!(form.fill_in(&last, &bindings), Ok(&mut Draft::new("puback")));
        assert_eq!(kept, Ok(filled), "what was taken out stays as it was");
    }
}
