//! Recorded answers: an input a line, then indented what was said of it.

/// Each input as it stands in the file, in the pieces that bars cut it into, and what was said of it. Lines
/// that begin with `# ` say what the file is.
pub(crate) fn answers(file: &str) -> impl Iterator<Item = (&str, Vec<Vec<u8>>, &str)> {
    let mut lines = file.lines().skip_while(|line| line.starts_with("# "));
    std::iter::from_fn(move || {
        let input = lines.next()?;
        let said = lines.next().and_then(|line| line.strip_prefix("    ")).expect("an answer follows");
        Some((input, input.split('|').map(unescaped).collect(), said))
    })
}

/// The bytes that were written as in a byte string.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    let digit = |rest: &mut std::str::Bytes<'_>| rest.next().and_then(|byte| char::from(byte).to_digit(16));
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                _ => {
                    let digits = digit(&mut rest).zip(digit(&mut rest)).expect("two digits");
                    (digits.0 * 16 + digits.1) as u8
                }
            },
            byte => byte,
        });
    }
    bytes
}
