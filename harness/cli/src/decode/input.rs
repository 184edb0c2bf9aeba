//! Hex digits, files or stdin: what the bytes to decode are.

use std::io::Read;
use std::path::Path;

use crate::failure::Failure;

/// Input that is no bytes.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum InputError {
    /// Neither hex digits nor a file.
    #[error("`{found}` is no hex digit, and there is no file of this name")]
    #[diagnostic(help("write bytes as pairs of hex digits, 'e0 01 04', or name a file, or `-` for stdin"))]
    NotHex {
        /// The letter.
        found: char,
        /// What was given.
        #[source_code]
        text: String,
        /// The letter's place.
        #[label("here")]
        at: miette::SourceSpan,
    },
    /// Half a byte is missing.
    #[error("an odd number of hex digits: {digits}")]
    #[diagnostic(help("each byte is two digits; 4 is written 04"))]
    HalfByte {
        /// How many there are.
        digits: usize,
    },
    /// Nothing to decode.
    #[error("there are no bytes to decode")]
    Empty,
    /// A file that cannot be read.
    #[error("cannot read `{path}`: {why}")]
    Unreadable {
        /// Its name.
        path: String,
        /// The system's reason.
        why: std::io::Error,
    },
}

/// The bytes that the arguments mean: `-`, a file, or hex digits (several arguments are joined).
///
/// # Errors
///
/// [`Failure::Input`] with an [`InputError`].
pub fn read(arguments: &[String], binary: bool, stdin: &mut dyn Read) -> Result<Vec<u8>, Failure> {
    let bytes = match arguments {
        [only] if only == "-" => {
            let mut content = Vec::new();
            stdin.read_to_end(&mut content).map_err(|why| unreadable("stdin", why))?;
            of_content(content, binary)
        }
        [only] if names_a_file(only) => {
            of_content(std::fs::read(only).map_err(|why| unreadable(only, why))?, binary)
        }
        several => parse_hex(&several.join(" ")).map_err(Failure::input)?,
    };
    if bytes.is_empty() { Err(Failure::input(InputError::Empty)) } else { Ok(bytes) }
}

/// Whether there is something of this name to read; a pipe (`<(…)`) is, and a folder gets a better message
/// than its name as hex digits. What is hex digits names nothing but a real file.
fn names_a_file(argument: &str) -> bool {
    let path = Path::new(argument);
    path.is_file() || (path.exists() && parse_hex(argument).is_err())
}

fn unreadable(path: &str, why: std::io::Error) -> Failure {
    Failure::input(InputError::Unreadable { path: path.to_owned(), why })
}

/// A file's content: the bytes that its hex digits mean, where it holds nothing else, or else itself.
fn of_content(content: Vec<u8>, binary: bool) -> Vec<u8> {
    if binary {
        return content;
    }
    std::str::from_utf8(&content).ok().and_then(|text| parse_hex(text).ok()).unwrap_or(content)
}

/// Reads pairs of hex digits. Blanks, commas, colons, and `0x` or `\x` before them, say nothing.
///
/// # Errors
///
/// Any other letter, with its place, and an odd number of digits.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, InputError> {
    let mut digits = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if matches!(letter, '0' | '\\') && letters.next_if(|(_, next)| matches!(next, 'x' | 'X')).is_some() {
            continue;
        }
        if let Some(digit) = letter.to_digit(16) {
            digits.push(digit);
        } else if !(letter.is_whitespace() || matches!(letter, ',' | ':' | '_')) {
            let at = (at, letter.len_utf8()).into();
            return Err(InputError::NotHex { found: letter, text: text.to_owned(), at });
        }
    }
    let (pairs, half) = digits.as_chunks::<2>();
    if !half.is_empty() {
        return Err(InputError::HalfByte { digits: digits.len() });
    }
    Ok(pairs.iter().filter_map(|[high, low]| u8::try_from(high * 16 + low).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(arguments: &[&str], binary: bool, stdin: &[u8]) -> Result<Vec<u8>, Failure> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        read(&arguments, binary, &mut &*stdin)
    }

    #[test]
    fn hex_is_read_in_all_its_usual_forms() {
        for text in ["e00104", "E0 01 04", "e0:01:04", "0xe0, 0x01, 0x04", r"\xe0\x01\x04", "e0 01\n04\n"] {
            assert_eq!(parse_hex(text).expect("it is hex"), [0xe0, 0x01, 0x04], "{text}");
        }
    }

    #[test]
    fn what_is_no_hex_is_pointed_at() {
        let Err(InputError::NotHex { found, at, .. }) = parse_hex("e0 g1") else { panic!("g is a digit?") };
        assert_eq!((found, at.offset()), ('g', 3));
        assert!(matches!(parse_hex("e0 1"), Err(InputError::HalfByte { digits: 3 })));
    }

    #[test]
    fn several_arguments_are_one_input() {
        assert_eq!(read_from(&["e0", "01", "04"], false, b"").expect("it is hex"), [0xe0, 0x01, 0x04]);
    }

    #[test]
    fn stdin_holds_hex_digits_or_bytes() {
        assert_eq!(read_from(&["-"], false, b"e0 00\n").expect("it is hex"), [0xe0, 0x00]);
        assert_eq!(read_from(&["-"], false, &[0xe0, 0x00]).expect("it is bytes"), [0xe0, 0x00]);
        assert_eq!(read_from(&["-"], true, b"00").expect("it is bytes"), [0x30, 0x30]);
    }

    #[test]
    fn a_folder_is_no_file_and_is_not_said_to_be_missing() {
        let error = read_from(&[env!("CARGO_MANIFEST_DIR")], false, b"").expect_err("a folder has no bytes");
        assert!(matches!(error, Failure::Input(why) if why.to_string().contains("cannot read")));
    }

    #[test]
    fn nothing_is_bad_input() {
        assert!(matches!(read_from(&["-"], false, b""), Err(Failure::Input(_))));
        assert!(matches!(read_from(&["  "], false, b""), Err(Failure::Input(_))));
    }
}
