//! Values to octets: integers, strings, tables.

use crate::value::Value;

/// Why a value has no place where it should stand: what would be right.
pub(super) type Problem = String;

/// An integer that fits `N` octets, big-endian and unsigned.
pub(super) fn unsigned<const N: usize>(value: &Value) -> Result<[u8; N], Problem> {
    let bits = 8 * u32::try_from(N).unwrap_or(u32::MAX);
    let most = (1_i128 << bits) - 1;
    let number = integer(value)?;
    if !(0..=most).contains(&number) {
        return Err(format!("it takes 0 to {most}"));
    }
    low_octets(number)
}

/// An integer that fits `N` octets, big-endian in two's complement.
fn signed<const N: usize>(value: &Value) -> Result<[u8; N], Problem> {
    let bits = 8 * u32::try_from(N).unwrap_or(u32::MAX);
    let most = (1_i128 << (bits - 1)) - 1;
    let number = integer(value)?;
    if !(-most - 1..=most).contains(&number) {
        return Err(format!("it takes {} to {most}", -most - 1));
    }
    low_octets(number)
}

fn low_octets<const N: usize>(number: i128) -> Result<[u8; N], Problem> {
    number.to_be_bytes().last_chunk::<N>().copied().ok_or_else(|| format!("{N} octets are too many"))
}

fn integer(value: &Value) -> Result<i128, Problem> {
    value.as_integer().ok_or_else(|| "it takes an integer".to_owned())
}

fn octets(value: &Value) -> Result<&[u8], Problem> {
    value.as_bytes().map(|bytes| &bytes[..]).ok_or_else(|| "it takes text or bytes".to_owned())
}

/// 8-bit length and octets (§4.2.5.3).
pub(super) fn short_string(value: &Value, out: &mut Vec<u8>) -> Result<(), Problem> {
    let octets = octets(value)?;
    let length = u8::try_from(octets.len()).map_err(|_| {
        format!("a short string has at most 255 octets, not {}; `malformed` can write others", octets.len())
    })?;
    out.push(length);
    out.extend_from_slice(octets);
    Ok(())
}

/// 32-bit length and octets (§4.2.5.3).
pub(super) fn long_string(value: &Value, out: &mut Vec<u8>) -> Result<(), Problem> {
    let octets = octets(value)?;
    measured(out, |out| {
        out.extend_from_slice(octets);
        Ok(())
    })
}

/// A field table with its length (§4.2.5.5). Bytes stand for contents that are already octets.
pub(super) fn table(value: &Value, out: &mut Vec<u8>) -> Result<(), Problem> {
    measured(out, |out| match value.untagged() {
        Value::Map(entries) => entries.iter().try_for_each(|(name, value)| {
            let length = u8::try_from(name.len())
                .map_err(|_| format!("a field name has at most 255 octets, not {}", name.len()))?;
            out.push(length);
            out.extend_from_slice(name);
            tagged(value, out)
        }),
        Value::Bytes(octets) => {
            out.extend_from_slice(octets);
            Ok(())
        }
        Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Tagged(..)
        | Value::Void => Err("it takes a table".to_owned()),
    })
}

/// An array with its length (§4.2.1). Bytes stand for contents that are already octets.
fn array(value: &Value, out: &mut Vec<u8>) -> Result<(), Problem> {
    measured(out, |out| match value {
        Value::List(items) => items.iter().try_for_each(|item| tagged(item, out)),
        Value::Bytes(octets) => {
            out.extend_from_slice(octets);
            Ok(())
        }
        Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Map(_)
        | Value::Tagged(..)
        | Value::Void => Err("it takes a list".to_owned()),
    })
}

/// Writes a 32-bit length and what `contents` writes.
fn measured(
    out: &mut Vec<u8>,
    contents: impl FnOnce(&mut Vec<u8>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    contents(out)?;
    let length = out.len() - start - 4;
    let length = u32::try_from(length).map_err(|_| format!("{length} octets do not fit a 32-bit length"))?;
    let place = out.get_mut(start..start + 4);
    place.expect("the four octets of the length were just written").copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// A tag and its value. An unknown tag is written with bytes as they are.
fn tagged(value: &Value, out: &mut Vec<u8>) -> Result<(), Problem> {
    let (tag, value) =
        if let Value::Tagged(tag, inner) = value { (*tag, &**inner) } else { (natural_tag(value)?, value) };
    out.push(tag);
    let in_table = |problem: Problem| format!("a table value of type {}: {problem}", char::from(tag));
    match tag {
        b't' => out.push(boolean(value).map_err(in_table)?),
        b'b' => out.extend(signed::<1>(value).map_err(in_table)?),
        b'B' => out.extend(unsigned::<1>(value).map_err(in_table)?),
        b's' | b'U' => out.extend(signed::<2>(value).map_err(in_table)?),
        b'u' => out.extend(unsigned::<2>(value).map_err(in_table)?),
        b'I' => out.extend(signed::<4>(value).map_err(in_table)?),
        b'i' => out.extend(unsigned::<4>(value).map_err(in_table)?),
        b'l' | b'L' => out.extend(signed::<8>(value).map_err(in_table)?),
        b'T' => out.extend(unsigned::<8>(value).map_err(in_table)?),
        b'f' => out.extend(single(float(value).map_err(in_table)?).to_be_bytes()),
        b'd' => out.extend(float(value).map_err(in_table)?.to_be_bytes()),
        b'D' => decimal(value, out).map_err(in_table)?,
        b'S' | b'x' => long_string(value, out).map_err(in_table)?,
        b'A' => array(value, out)?,
        b'F' => table(value, out)?,
        b'V' if *value == Value::Void => {}
        b'V' => return Err(in_table("it takes nothing".to_owned())),
        _ => out.extend_from_slice(octets(value).map_err(in_table)?),
    }
    Ok(())
}

/// The tag of a value that names none.
fn natural_tag(value: &Value) -> Result<u8, Problem> {
    Ok(match value {
        Value::Bool(_) => b't',
        Value::Integer(number) if i32::try_from(*number).is_ok() => b'I',
        Value::Integer(number) if i64::try_from(*number).is_ok() => b'l',
        Value::Integer(number) => return Err(format!("{number} does not fit a signed 64-bit integer")),
        Value::Float(_) => b'd',
        Value::Bytes(_) => b'S',
        Value::List(_) => b'A',
        Value::Map(_) => b'F',
        Value::Tagged(tag, _) => *tag,
        Value::Void => b'V',
    })
}

/// A bit as 0 or 1; an integer stands for itself, so that other booleans can be written too.
fn boolean(value: &Value) -> Result<u8, Problem> {
    if let Some(bit) = value.as_bool() {
        return Ok(bit.into());
    }
    unsigned::<1>(value).map(|[octet]| octet)
}

fn float(value: &Value) -> Result<f64, Problem> {
    if let Value::Float(number) = value { Ok(*number) } else { Err("it takes a float".to_owned()) }
}

#[expect(clippy::cast_possible_truncation, reason = "the tag asks for single precision")]
fn single(number: f64) -> f32 {
    number as f32
}

/// Scale octet and signed 32-bit number, as a list of two integers.
fn decimal(value: &Value, out: &mut Vec<u8>) -> Result<(), Problem> {
    let Value::List(parts) = value else { return Err("it takes a list of scale and number".to_owned()) };
    let [scale, number] = &parts[..] else { return Err("it takes a list of scale and number".to_owned()) };
    out.extend(unsigned::<1>(scale)?);
    out.extend(signed::<4>(number)?);
    Ok(())
}
