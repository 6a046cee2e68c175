//! A file of the page, as it is handed out.

use std::io::Read;

use flate2::read::GzDecoder;
use monitor::Answer;

use crate::files::FILES;

/// The page itself.
const PAGE: &str = "index.html";

/// Nothing on the page comes from elsewhere or goes elsewhere, but what people connect to over WebSocket; and nothing that
/// a client said can become a script.
pub(crate) const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// One file.
#[derive(Debug)]
pub struct File {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    /// Its `ETag`, with quotes.
    pub(crate) tag: &'static str,
    /// What is in it, packed by gzip.
    pub(crate) packed: &'static [u8],
    /// What is said with it: packed, and not.
    pub(crate) headers: [&'static [(&'static str, &'static str)]; 2],
}

/// The file of that name; the page has none.
pub fn find(name: &[u8]) -> Option<&'static File> {
    let name = if name.is_empty() { PAGE.as_bytes() } else { name };
    FILES.iter().find(|file| file.name.as_bytes() == name)
}

/// A word for all files together: another one says that there is another page.
pub fn version() -> &'static str {
    find(b"").map_or("", |page| page.tag.trim_matches('"'))
}

impl File {
    /// Its `ETag`.
    pub fn tag(&self) -> &'static str {
        self.tag
    }

    /// The file, packed if it may be.
    pub fn answer(&self, takes_gzip: bool) -> Answer {
        let body = if takes_gzip { self.packed.to_vec() } else { self.unpacked() };
        let [packed, plain] = self.headers;
        Answer { headers: if takes_gzip { packed } else { plain }, ..Answer::file(self.content_type, body) }
    }

    /// To who has it already.
    pub fn unchanged(&self) -> Answer {
        Answer { headers: self.headers[1], closes: false, ..Answer::empty(304) }
    }

    /// For the rare one who does not unpack; a few hundred kilobytes at most.
    fn unpacked(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        GzDecoder::new(self.packed).read_to_end(&mut plain).expect("it was packed by us");
        plain
    }
}

/// What is said of a file whose name has its digest, and of the page; `$tag` is its `ETag`.
macro_rules! headers {
    (kept, $tag:literal) => {
        crate::file::headers!(@ $tag, "public, max-age=31536000, immutable")
    };
    (asked_for, $tag:literal) => {
        crate::file::headers!(@ $tag, "no-cache")
    };
    (@ $tag:literal, $keep:literal) => {
        [
            &[
                ("content-encoding", "gzip"),
                ("vary", "accept-encoding"),
                ("etag", $tag),
                ("cache-control", $keep),
                ("content-security-policy", crate::file::POLICY),
                ("referrer-policy", "no-referrer"),
            ],
            &[
                ("vary", "accept-encoding"),
                ("etag", $tag),
                ("cache-control", $keep),
                ("content-security-policy", crate::file::POLICY),
                ("referrer-policy", "no-referrer"),
            ],
        ]
    };
}
pub(crate) use headers;

#[cfg(test)]
mod tests {
    use super::*;

    /// Of what a browser loads before it shows the first page, packed.
    const FIRST_BYTES_MAX: usize = 60 << 10;

    /// Of all of it.
    const BYTES_MAX: usize = 200 << 10;

    fn text(file: &File) -> String {
        String::from_utf8(file.unpacked()).expect("text")
    }

    #[test]
    fn it_is_small() {
        let all: usize = FILES.iter().map(|file| file.packed.len()).sum();
        assert!(all <= BYTES_MAX, "{all} bytes");
        let first: usize = first_page().iter().map(|file| file.packed.len()).sum();
        assert!((30 << 10..=FIRST_BYTES_MAX).contains(&first), "{first} bytes");
    }

    /// What a visit to the first page loads: what it names, what that cannot do without, and what draws charts.
    fn first_page() -> Vec<&'static File> {
        let mut loaded = vec![find(b"").expect("a page")];
        let mut at = 0;
        while at < loaded.len() {
            let text = text(loaded[at]);
            let is_needed = |file: &&File| {
                let at_once = [format!("from\"./{}\"", file.name), format!("import\"./{}\"", file.name)];
                let named = [format!("\"{}\"", file.name)];
                let words = if at == 0 { &named[..] } else { &at_once[..] };
                words.iter().any(|word| text.contains(word)) || file.name.starts_with("plot-")
            };
            let needed: Vec<&File> = FILES.iter().filter(is_needed).collect();
            for file in needed {
                if !loaded.iter().any(|there| there.name == file.name) {
                    loaded.push(file);
                }
            }
            at += 1;
        }
        loaded
    }

    #[test]
    fn the_page_names_files_that_are_there() {
        let page = text(find(b"").expect("a page"));
        let named: Vec<&str> =
            page.split('"').filter(|word| word.ends_with(".js") || word.ends_with(".css")).collect();
        assert!(named.len() >= 2, "{page}");
        for name in named {
            assert!(find(name.as_bytes()).is_some(), "{name}");
        }
        assert!(!page.contains("://") && !page.contains("style="), "nothing from elsewhere, no style in it");
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for file in FILES.iter().filter(|file| !file.name.ends_with(".txt")) {
            let text = text(file);
            for word in ["@import", "eval(", "new Function", "document.write", "dangerouslySetInnerHTML:"] {
                assert!(!text.contains(word), "{word} in {}", file.name);
            }
            for (at, _) in text.match_indices("://") {
                let address: String = text[at + 3..].chars().take(30).collect();
                // Names of namespaces, and addresses that are put together of what people enter.
                let is_known = ["www.w3.org/", "localhost:", "127.0.0.1:"]
                    .iter()
                    .any(|known| address.starts_with(known))
                    || !address.starts_with(char::is_alphanumeric);
                assert!(is_known, "{address} in {}", file.name);
            }
        }
    }

    #[test]
    fn it_is_handed_out_packed_and_plain() {
        let page = find(b"").expect("a page");
        let (packed, plain) = (page.answer(true), page.answer(false));
        let said = |answer: &Answer, name| {
            answer.headers.iter().find(|(of, _)| *of == name).map(|(_, value)| *value)
        };
        assert_eq!(
            (said(&packed, "content-encoding"), said(&plain, "content-encoding")),
            (Some("gzip"), None)
        );
        assert_eq!(
            (packed.body.get(..2), plain.body.starts_with(b"<!doctype html>")),
            (Some(&b"\x1f\x8b"[..]), true)
        );
        assert_eq!(said(&packed, "etag"), Some(page.tag()));
        assert!(
            said(&packed, "content-security-policy")
                .is_some_and(|policy| policy.starts_with("default-src 'self'"))
        );
        assert_eq!((page.unchanged().status, page.unchanged().body.len()), (304, 0));
        assert!(find(b"../Cargo.toml").is_none() && find(b"index").is_none());
    }
}
