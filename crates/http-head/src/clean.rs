//! Where Go's `ServeMux` sends who asks for a path with detours.

/// The path without `//`, `.` and `..`; a slash at its end stays.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let mut cleaned = vec![b'/'];
    cleaned.extend(kept.join(&b'/'));
    if path.ends_with(b"/") && cleaned.len() > 1 {
        cleaned.push(b'/');
    }
    cleaned
}

/// The header that says where to ask instead.
pub fn location(place: &[u8]) -> String {
    let location = place.iter().map(|byte| match byte {
        0x80.. => format!("%{byte:x}"),
        _ => char::from(*byte).to_string(),
    });
    location.collect()
}

/// What people see of that: the body of an answer to GET.
pub fn redirect_page(place: &[u8]) -> Vec<u8> {
    let shown: Vec<u8> = place.iter().flat_map(html_escaped).copied().collect();
    [b"<a href=\"", &shown[..], b"\">Temporary Redirect</a>.\n\n"].concat()
}

/// A byte as a page shows it.
fn html_escaped(byte: &u8) -> &[u8] {
    match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'"' => b"&#34;",
        b'\'' => b"&#39;",
        _ => std::slice::from_ref(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go 1.27 does it.
    #[test]
    fn a_clean_path_has_no_detours() {
        for (path, cleaned) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/..", "/"),
            ("/a/", "/a/"),
            ("/a//", "/a/"),
            ("/a/.", "/a"),
            ("/a/./", "/a/"),
            ("/../a/b/../c", "/a/c"),
            ("a", "/a"),
            ("/a/...", "/a/..."),
            ("/%2e/a", "/%2e/a"),
        ] {
            assert_eq!(clean(path.as_bytes()), cleaned.as_bytes(), "{path}");
        }
    }

    #[test]
    fn places_are_shown_without_harm() {
        assert_eq!(location(b"/a\xc3?x"), "/a%c3?x");
        assert_eq!(
            redirect_page(b"/?<'&\">"),
            b"<a href=\"/?&lt;&#39;&amp;&#34;&gt;\">Temporary Redirect</a>.\n\n"
        );
    }
}
