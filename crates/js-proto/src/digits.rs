//! Numbers in subjects, headers and acknowledgements.

/// Appends a number in digits.
pub(crate) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; DIGITS_MAX];
    let mut at = DIGITS_MAX;
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// The digits of the largest number.
const DIGITS_MAX: usize = 20;

/// The number in the digits; none if there are no digits, other bytes or too many.
pub(crate) fn parse_number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
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
    }

    #[test]
    fn only_digits_are_a_number() {
        assert_eq!(parse_number(b"18446744073709551615"), Some(u64::MAX));
        for text in [&b""[..], b"18446744073709551616", b"-1", b"+1", b"1 ", b"x", b"1e3"] {
            assert_eq!(parse_number(text), None);
        }
    }
}
