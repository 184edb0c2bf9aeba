//! Bytes that have arrived and are no whole packet yet.

use bytes::{Bytes, BytesMut};

/// What a decoder cuts packets out of.
///
/// Mostly whole packets arrive: these are cut out of the bytes as they came, without a copy. Where a packet comes in
/// pieces, the pieces are gathered.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    /// What is left of the bytes that arrived last, when nothing was left of those before.
    latest: Bytes,
    /// What is left of all before and since. One of the two is empty.
    gathered: BytesMut,
}

impl Incoming {
    /// Appends bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.bytes().is_empty() {
            self.latest = Bytes::copy_from_slice(bytes);
        } else {
            self.gather(bytes);
        }
    }

    /// Appends bytes that need not be copied.
    pub(crate) fn push_bytes(&mut self, bytes: Bytes) {
        if self.bytes().is_empty() {
            self.latest = bytes;
        } else {
            self.gather(&bytes);
        }
    }

    fn gather(&mut self, bytes: &[u8]) {
        if self.gathered.is_empty() {
            self.gathered.extend_from_slice(&std::mem::take(&mut self.latest));
        }
        self.gathered.extend_from_slice(bytes);
    }

    /// All that is there.
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.gathered.is_empty() { &self.latest } else { &self.gathered }
    }

    /// Takes the first bytes, this many, once they are there.
    pub(crate) fn take(&mut self, length: usize) -> Option<Bytes> {
        if self.bytes().len() < length {
            return None;
        }
        Some(if self.gathered.is_empty() {
            self.latest.split_to(length)
        } else {
            self.gathered.split_to(length).freeze()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_what_went_in_whatever_the_pieces() {
        for pieces in [vec![12], vec![1; 12], vec![5, 7], vec![0, 3, 0, 9], vec![11, 1]] {
            for lent in [false, true] {
                let sent: Vec<u8> = (0..12).collect();
                let (mut incoming, mut rest, mut came) = (Incoming::default(), &sent[..], Vec::new());
                for length in &pieces {
                    let (piece, behind) = rest.split_at(*length);
                    rest = behind;
                    if lent {
                        incoming.push_bytes(Bytes::copy_from_slice(piece));
                    } else {
                        incoming.push(piece);
                    }
                    assert!(incoming.take(13).is_none(), "there never are that many");
                    while let Some(three) = incoming.take(3) {
                        came.extend_from_slice(&three);
                    }
                }
                assert_eq!(came, sent);
                assert!(incoming.bytes().is_empty());
            }
        }
    }

    #[test]
    fn whole_packets_are_not_copied() {
        let sent = Bytes::from_static(b"onetwothr");
        let mut incoming = Incoming::default();
        incoming.push_bytes(sent.clone());
        let first = incoming.take(3).expect("it is there");
        assert_eq!(first.as_ptr(), sent.as_ptr());
        assert_eq!(incoming.take(3).expect("it is there"), "two");
        incoming.push(b"ee");
        assert_eq!(incoming.bytes(), b"three");
        assert_eq!(incoming.take(5).expect("it is there"), "three");
    }
}
