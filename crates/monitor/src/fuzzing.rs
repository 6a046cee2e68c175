//! The body of the fuzz target: what must hold for any request to the monitoring listener.
//!
//! A plain function that panics when something does not hold, so a saved crash becomes a unit test by calling it
//! with the saved bytes.

use crate::answer::Answer;
use crate::parameters::Parameters;
use crate::request::Request;

/// Reads `data` as a method, in its first line, and what is asked for with it.
pub fn request(data: &[u8]) {
    let cut = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let method = String::from_utf8_lossy(&data[..cut]);
    let target = data.get(cut + 1..).unwrap_or_default();
    let (request, counted_as) = Request::read("", &method, target);
    assert_eq!(Request::read("/", &method, target), (request.clone(), counted_as), "the base path of none");
    match request {
        Request::Answered(answer) => check_answer(&answer, target),
        Request::Root => {}
        request if target.starts_with(b"/") => {
            let below = [b"/a/b", target].concat();
            assert_eq!(
                Request::read("a/b", &method, &below),
                (request, counted_as),
                "the same below a base path"
            );
        }
        _ => {}
    }
    check_parameters(target);
    check_number(target);
}

/// What came in goes out where it cannot be taken for anything else.
fn check_answer(answer: &Answer, target: &[u8]) {
    assert!(answer.body.len() <= 300 + 6 * target.len(), "{} bytes", answer.body.len());
    let Some(location) = &answer.location else { return };
    assert!(location.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_control()), "{location:?}");
    if let Some(shown) = answer.body.strip_prefix(b"<a href=\"") {
        let shown = shown.strip_suffix(b"\">Temporary Redirect</a>.\n\n").expect("a link");
        assert!(!shown.iter().any(|byte| b"<>\"'".contains(byte)), "{}", shown.escape_ascii());
    }
    let (next, _) = Request::read("", "GET", location.as_bytes());
    assert!(
        !matches!(next, Request::Answered(Answer { location: Some(_), .. })),
        "from {location} to {next:?}"
    );
}

/// Those that were read are the same when they are written with every byte escaped.
fn check_parameters(query: &[u8]) {
    let read = Parameters::of(query);
    let pairs: Vec<String> =
        read.pairs().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let again = Parameters::of(pairs.join("&").as_bytes());
    assert!(again.pairs().eq(read.pairs()));
    assert!(read.pairs().count() <= query.split(|byte| *byte == b'&').count());
}

/// A number is read digit by digit, or refused.
fn check_number(text: &[u8]) {
    let parameters = Parameters::of(format!("limit={}", escaped(text)).as_bytes());
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let is_number = text.is_empty() || (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    let value = digits.iter().try_fold(0_i128, |sum, digit| {
        let sum = sum * 10 + i128::from(digit.wrapping_sub(b'0'));
        (sum <= 1 << 64).then_some(sum)
    });
    let expected = value.filter(|_| is_number).and_then(|value| i64::try_from(sign * value).ok());
    assert_eq!(parameters.int("limit").ok(), expected, "{}", text.escape_ascii());
    let limit = expected.map(|limit| usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(7));
    assert_eq!(parameters.limit(7).ok(), limit);
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    const PIECES: [&[u8]; 33] = [
        b"GET\n",
        b"POST\n",
        b"CONNECT\n",
        b"/",
        b"/",
        b"/",
        b"//",
        b".",
        b"..",
        b"varz",
        b"connz",
        b"subsz",
        b"jsz",
        b"accountz",
        b"?",
        b"&",
        b"=",
        b"limit=",
        b"1",
        b"-",
        b"+",
        b"%",
        b"%2F",
        b"%zz",
        b";",
        b"http://h",
        b":",
        b"#",
        b"\"",
        b"<",
        b"\xff",
        b"\xc3\xa9",
        b"18446744073709551616",
    ];

    proptest! {
        #[test]
        fn any_bytes_are_a_request_or_refused(data in vec(any::<u8>(), 0..80)) {
            request(&data);
        }

        #[test]
        fn any_pieces_are_a_request_or_refused(pieces in vec(select(&PIECES[..]), 0..24)) {
            request(&pieces.concat());
            request(&[b"GET\n/", &pieces.concat()[..]].concat());
        }

        #[test]
        fn any_number_is_read_digit_by_digit(number in any::<i64>(), ahead in select(&["", "0", "+", "-", " "][..])) {
            request(format!("GET\n{ahead}{number}").as_bytes());
            request(format!("GET\n{number}{ahead}").as_bytes());
        }
    }
}
