//! Numbers in decimal, without the formatting machinery: counters and packet identifiers are written all the time.

/// The decimal digits of a number.
pub(crate) struct Decimal {
    /// The digits stand at the end. No number of 128 bits has more of them, and a sign.
    bytes: [u8; 40],
    first: usize,
}

impl Decimal {
    const EMPTY: Self = Self { bytes: [0; 40], first: 40 };

    /// The digits of a number.
    pub(crate) fn of(mut number: u64) -> Self {
        let mut decimal = Self::EMPTY;
        loop {
            // Below 10, so it fits.
            decimal.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
            number /= 10;
            if number == 0 {
                return decimal;
            }
        }
    }

    /// The digits of any number, behind `-` where it is negative.
    pub(crate) fn signed(number: i128) -> Self {
        // Almost all are small, and to divide 128 bits takes many times as long.
        if let Ok(small) = u64::try_from(number) {
            return Self::of(small);
        }
        let mut decimal = Self::EMPTY;
        let mut rest = number.unsigned_abs();
        while rest > 0 {
            decimal.push(b'0' + u8::try_from(rest % 10).unwrap_or(0));
            rest /= 10;
        }
        if number < 0 {
            decimal.push(b'-');
        }
        decimal
    }

    /// The text.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.first..).unwrap_or_default()
    }

    /// In front of what is there.
    fn push(&mut self, digit: u8) {
        self.first -= 1;
        if let Some(place) = self.bytes.get_mut(self.first) {
            *place = digit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_display_writes() {
        let large = i128::from(u64::MAX);
        for number in [0, 7, 10, 4711, -1, large, large + 1, i128::MAX, i128::MIN] {
            assert_eq!(Decimal::signed(number).as_bytes(), number.to_string().as_bytes());
        }
    }
}
