//! The body of the fuzz target: what must hold for any text at all.
//!
//! A plain function that panics when something does not hold, so a saved crash becomes a unit test by calling it
//! with the saved bytes.

use crate::{Transform, TransformError, has_wildcard, is_valid_filter, is_valid_literal};

/// Reads `data` as the lines of a source, of a destination, and of a subject.
pub fn transform(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let [source, destination, subject] = [(); 3].map(|()| lines.next().unwrap_or_default());
    match Transform::new(source, destination) {
        Ok(transform) => check(&transform, source, destination, subject.as_bytes()),
        Err(error) => check_error(&error, destination),
    }
    check_same(source, subject.as_bytes());
}

fn check_error(error: &TransformError, destination: &str) {
    let (TransformError::UnknownFunction(token)
    | TransformError::WildcardOutOfRange(token)
    | TransformError::NotEnoughArguments(token)
    | TransformError::TooManyArguments(token)
    | TransformError::BadArgument(token)) = error
    else {
        return;
    };
    let is_named = |named: &str| destination.split('.').any(|token| token == named);
    let without_number = token.rsplit_once(": [").map_or(&**token, |(token, _)| token);
    assert!(is_named(token) || is_named(without_number), "{token} is no token of {destination}");
}

fn check(transform: &Transform, source: &str, destination: &str, subject: &[u8]) {
    assert!(is_valid_filter(source.as_bytes()), "{source}");
    if !matches(source, subject) {
        return;
    }
    let mut asked = 0_u32;
    let mut made = b"before".to_vec();
    transform.apply(
        subject,
        || {
            asked += 1;
            asked
        },
        &mut made,
    );
    let made = made.strip_prefix(b"before").expect("what was there stays");
    assert!(made.len() <= longest(destination, subject), "{} bytes", made.len());
    let randoms = destination.to_ascii_lowercase().matches("random").count();
    assert!(asked as usize <= randoms, "{asked} random numbers");
    if !destination.contains(['$', '{']) {
        let goes_on = destination == ">" || destination.ends_with(".>");
        let text = if goes_on { &destination[..destination.len() - 1] } else { destination };
        let tail = made.strip_prefix(text.as_bytes()).expect("text stays as it is");
        assert!(subject.ends_with(tail) && tail.is_empty() != goes_on);
    }
}

/// A token is cut into pieces of a byte at most, with a dot before each; numbers have ten digits.
fn longest(destination: &str, subject: &[u8]) -> usize {
    let tokens = destination.split('.').count();
    destination.len() + tokens * (2 * subject.len() + 11) + subject.len()
}

/// A source whose destination are its wildcards, one by one, changes nothing.
fn check_same(source: &str, subject: &[u8]) {
    if !is_valid_filter(source.as_bytes()) || !matches(source, subject) {
        return;
    }
    for style in [|number| format!("${number}"), |number| format!("{{{{wildcard({number})}}}}")] {
        let mut number = 0;
        let mut numbered = |token: &str| {
            number += usize::from(token == "*");
            if token == "*" { style(number) } else { token.to_owned() }
        };
        let destination: Vec<String> = source.split('.').map(&mut numbered).collect();
        // A token of the source may look like a function.
        if has_wildcard(source.as_bytes()) && !source.contains(['$', '{']) {
            let transform = Transform::new(source, &destination.join(".")).expect("as many as there are");
            let mut made = Vec::new();
            transform.apply(subject, || unreachable!("nothing random"), &mut made);
            assert_eq!(made, subject);
        }
    }
}

/// Whether the subject is one that the source is for.
fn matches(source: &str, subject: &[u8]) -> bool {
    is_valid_literal(subject) && crate::filter_matches(source.as_bytes(), subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// What destinations are made of, so that random rows of them come near to being some.
    const PIECES: [&str; 28] = [
        ".",
        ".",
        ".",
        "\n",
        "\n",
        "a",
        "b-c",
        "*",
        "*",
        ">",
        "$1",
        "$2",
        "$",
        "{{",
        "}}",
        "(",
        ")",
        ",",
        "1",
        "2",
        "-1",
        "{{wildcard(1)}}",
        "{{partition(3,1)}}",
        "{{split(1,-)}}",
        "{{sliceFromLeft(1,1)}}",
        "{{right(2,1)}}",
        "{{Random(5)}}",
        "é",
    ];

    proptest! {
        #[test]
        fn any_bytes_are_a_transform_or_refused(data in vec(any::<u8>(), 0..60)) {
            transform(&data);
        }

        #[test]
        fn any_pieces_are_a_transform_or_refused(pieces in vec(select(&PIECES[..]), 0..24)) {
            transform(pieces.concat().as_bytes());
        }

        #[test]
        fn pieces_behind_a_source_are_a_destination_or_refused(pieces in vec(select(&PIECES[..]), 1..8)) {
            let destination = pieces.concat().replace('\n', ".");
            transform(format!("s.*.*\n{destination}\ns.b-c-é-.longer").as_bytes());
            transform(format!("s.*.>\n{destination}.>\ns.b-c-é-.longer.x").as_bytes());
        }
    }
}
