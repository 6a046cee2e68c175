//! What must hold for any header block.

use crate::{HeaderError, HeaderView};

/// Reads `data` as a header block.
pub fn header_block(data: &[u8]) {
    match HeaderView::parse(data) {
        Ok(view) => check(&view, data),
        // More bytes help only where the end is missing, of the block or of its first line.
        Err(error @ (HeaderError::BadStatus | HeaderError::BadField)) => {
            assert_eq!(HeaderView::parse(&[data, b"\r\n\r\n"].concat()), Err(error));
        }
        Err(HeaderError::BadVersion | HeaderError::Unfinished) => {}
    }
}

fn check(view: &HeaderView<'_>, data: &[u8]) {
    let (lines, end) = lines(data);
    let fields: Vec<_> = view.iter().collect();
    assert_eq!(fields, lines[1..].iter().filter_map(|line| field(line)).collect::<Vec<_>>());
    for (name, _) in &fields {
        let of_name: Vec<_> = fields.iter().filter(|(other, _)| other == name).map(|field| field.1).collect();
        assert_eq!(view.get_all(name).collect::<Vec<_>>(), of_name);
        assert_eq!(view.get(name), of_name.first().copied());
    }
    assert!(view.status().is_none_or(|status| status < 1000));
    assert!(view.status().is_some() || view.description().is_empty());

    assert_eq!(HeaderView::parse(&data[..end]).as_ref(), Ok(view), "what follows is not looked at");
    assert!(HeaderView::parse(&data[..end - 1]).is_err(), "a block without its end");
    assert_eq!(HeaderView::parse(&written(view)).map(|again| content(&again)), Ok(content(view)));
}

/// The lines before the first empty one, and where that ends.
fn lines(data: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut lines, mut end) = (Vec::new(), 0);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        let line = line.strip_suffix(b"\n").expect("the block has its end");
        match line.strip_suffix(b"\r").unwrap_or(line) {
            b"" => break,
            line => lines.push(line),
        }
    }
    (lines, end)
}

/// A name before the first colon, if there is one, and what comes behind blanks.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = line.splitn(2, |byte| *byte == b':');
    let (name, mut value) = (parts.next()?, parts.next().expect("lines have a colon"));
    while let [b' ' | b'\t', behind @ ..] = value {
        value = behind;
    }
    (!name.is_empty()).then_some((name, value))
}

type Content<'a> = (Option<u16>, &'a [u8], Vec<(&'a [u8], &'a [u8])>);

fn content<'a>(view: &HeaderView<'a>) -> Content<'a> {
    (view.status(), view.description(), view.iter().collect())
}

fn written(view: &HeaderView<'_>) -> Vec<u8> {
    let mut out = b"NATS/1.0".to_vec();
    if let Some(status) = view.status() {
        out.extend_from_slice(format!(" {status:03} ").as_bytes());
        out.extend_from_slice(view.description());
    }
    out.extend_from_slice(b"\r\n");
    for (name, value) in *view {
        out.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
    }
    out.extend_from_slice(b"\r\n");
    out
}
