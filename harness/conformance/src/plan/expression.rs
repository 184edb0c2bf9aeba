//! Values that are only known while a plan runs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

use bytes::Bytes;
use mqspec_wire::{Draft, Name, Value};

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
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Name(name) => lookup(name, bindings)?.clone(),
            Self::Text(parts) => {
                // Most texts are that short.
                let mut text = Vec::with_capacity(64);
                for part in parts {
                    match part {
                        TextPart::Literal(literal) => text.extend_from_slice(literal.as_bytes()),
                        TextPart::Name(name) => {
                            let value = lookup(name, bindings)?;
                            match value.as_bytes() {
                                Some(bytes) => text.extend_from_slice(bytes),
                                // Writing to a Vec cannot fail.
                                None => drop(write!(text, "{value}")),
                            }
                        }
                    }
                }
                Value::Bytes(Bytes::from(text))
            }
            Self::List(items) => {
                Value::List(items.iter().map(|item| item.evaluate(bindings)).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| {
                        Ok((Bytes::copy_from_slice(key.as_bytes()), value.evaluate(bindings)?))
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Self::Tagged(tag, value) => Value::Tagged(*tag, Box::new(value.evaluate(bindings)?)),
            Self::Repeated { unit, times } => {
                let unit = unit.evaluate(bindings)?;
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
        let all = |fields: &[(Name, Expression)]| {
            let mut known = Vec::with_capacity(fields.len());
            for (name, value) in fields {
                known.push((name.clone(), value.evaluate(bindings)?));
            }
            Ok::<_, Unbound>(known)
        };
        Ok(Draft { name: self.name.clone(), fields: all(&self.fields)?, malformed: all(&self.malformed)? })
    }
}
