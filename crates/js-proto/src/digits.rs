//! Numbers in subjects, headers and acknowledgements.

/// Appends a number in digits.
pub(crate) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; DIGITS_MAX];
    let mut at = DIGITS_MAX;
    while number >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
    }
    if number > 0 || at == DIGITS_MAX {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Two digits each.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Appends the last so many digits of a number, zeros in front if it has fewer.
pub(crate) fn push_padded<const DIGITS: usize>(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits);
}

/// The digits of the largest number.
const DIGITS_MAX: usize = 20;

/// The number in the digits; none if there are no digits, other bytes or too many.
pub(crate) fn parse_number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    if digits.len() < DIGITS_MAX {
        // So many nines fit.
        let (mut number, mut is_number) = (0, true);
        for digit in digits {
            let digit = digit.wrapping_sub(b'0');
            is_number &= digit < 10;
            number = number * 10 + u64::from(digit & 15);
        }
        return is_number.then_some(number);
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_number_comes_back(number: u64) {
            let mut out = Vec::new();
            push_number(&mut out, number);
            prop_assert_eq!(out.clone(), number.to_string().into_bytes());
            prop_assert_eq!(parse_number(&out), Some(number));
        }

        #[test]
        fn padded_ones_have_as_many_digits_as_are_asked_for(number in 0_u64..1_000_000_000) {
            let mut out = vec![b'x'];
            push_padded::<9>(&mut out, number);
            prop_assert_eq!(out, format!("x{number:09}").into_bytes());
        }
    }

    #[test]
    fn only_digits_are_a_number() {
        assert_eq!(parse_number(b"18446744073709551615"), Some(u64::MAX));
        for text in [&b""[..], b"18446744073709551616", b"-1", b"+1", b"1 ", b"x", b"1e3"] {
            assert_eq!(parse_number(text), None);
        }
    }
}
