//! What requests ask for, in hexadecimal digits.
//!
//! hyper takes no target that `http::Uri` does not, such as one with a `<` or a quote, and forgets what
//! follows a `#`; Go takes them, and so do its clients. So each target is written in digits before hyper
//! sees it, and read from them afterwards.

/// Appends the digits of a target.
pub(crate) fn digits(target: &[u8], into: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    into.extend(
        target.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
    );
}

/// The target that a path of digits stands for.
pub(crate) fn target(path: &str) -> Option<Vec<u8>> {
    let digits = path.strip_prefix('/')?.as_bytes().chunks_exact(2);
    if !digits.remainder().is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use http_head::TARGET_BYTES_MAX;

    use super::*;

    #[test]
    fn what_was_written_can_be_read() {
        for target_bytes in [0, 1, 255, TARGET_BYTES_MAX] {
            let asked: Vec<u8> = (0..=255).cycle().take(target_bytes).collect();
            let mut path = b"/".to_vec();
            digits(&asked, &mut path);
            let path = String::from_utf8(path).expect("digits");
            assert_eq!(target(&path), Some(asked));
        }
        assert_eq!((target("2f"), target("/2"), target("/2g")), (None, None, None));
    }
}
