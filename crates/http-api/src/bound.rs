//! Paths of the operator's own that lead to subjects: `GET /api/orders/*` to `orders.get.*`.

use subject_trie::is_valid_filter;

use crate::credentials::Credentials;
use crate::plain::is_plain;

/// Methods that a path may be bound with.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

/// What paths may not begin with: it is this server's.
const RESERVED: [&str; 18] = [
    "v1",
    "ui",
    "",
    "varz",
    "connz",
    "routez",
    "gatewayz",
    "leafz",
    "subsz",
    "accountz",
    "accstatz",
    "jsz",
    "healthz",
    "ipqueuesz",
    "raftz",
    "expvarz",
    "stacksz",
    "metrics",
];

/// A method and a path that lead to a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundRoute {
    method: String,
    /// `*` is any segment; `>` at the end is all that are left, one at least.
    path: Vec<String>,
    subject: String,
    /// Whom it is asked for as, if who asks says nothing.
    user: Credentials,
}

impl BoundRoute {
    /// Reads one: a method, a blank and a path, and the subject whose wildcards the path's fill in their order.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(place: &str, subject: &str) -> Result<Self, String> {
        let (method, path) =
            place.split_once(' ').ok_or("it is a method and a path, as \"GET /api/orders/*\"")?;
        if !METHODS.contains(&method) {
            return Err(format!("{method:?} is none of {}", METHODS.join(", ")));
        }
        let path = path.strip_prefix('/').ok_or_else(|| format!("{path:?} does not begin with /"))?;
        let path: Vec<String> = path.split('/').map(ToOwned::to_owned).collect();
        if RESERVED.contains(&path[0].as_str()) || path[0] == "*" || path[0] == ">" {
            return Err(format!("/{} is this server's own", path[0]));
        }
        if path[..path.len() - 1].iter().any(|part| part == ">") {
            return Err("> stands at the end of a path alone".to_owned());
        }
        if !is_plain(subject) || !is_valid_filter(subject.as_bytes()) {
            return Err(format!("{subject:?} is no subject"));
        }
        let wild = |parts: &mut dyn Iterator<Item = &str>| -> Vec<String> {
            parts.filter(|part| *part == "*" || *part == ">").map(ToOwned::to_owned).collect()
        };
        let (of_path, of_subject) =
            (wild(&mut path.iter().map(String::as_str)), wild(&mut subject.split('.')));
        if of_path != of_subject {
            return Err(format!("the wildcards of the path are not those of {subject:?}"));
        }
        let (method, subject) = (method.to_owned(), subject.to_owned());
        Ok(Self { method, path, subject, user: Credentials::None })
    }

    /// The same, for who says nothing of who asks.
    #[must_use]
    pub fn asked_as(self, user: Credentials) -> Self {
        Self { user, ..self }
    }

    /// Whether who says nothing may ask.
    pub fn has_user(&self) -> bool {
        self.user != Credentials::None
    }

    pub(crate) fn user(&self) -> &Credentials {
        &self.user
    }

    /// What stands where the path has wildcards, if it is that path.
    pub(crate) fn places(&self, segments: &[String]) -> Option<Vec<String>> {
        let (mut places, mut rest) = (Vec::new(), segments.iter());
        for part in &self.path {
            let segment = rest.next()?;
            match part.as_str() {
                ">" => {
                    places.push(segment.clone());
                    places.extend(rest.by_ref().cloned());
                }
                "*" => places.push(segment.clone()),
                own if own == segment => {}
                _ => return None,
            }
        }
        rest.next().is_none().then_some(places)
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_subjects_have_the_same_wildcards() {
        let read = |place: &str, subject: &str| BoundRoute::read(place, subject);
        let route = read("GET /api/orders/*", "orders.get.*").unwrap();
        let segments = |path: &str| path.split('/').map(ToOwned::to_owned).collect::<Vec<String>>();
        assert_eq!(route.places(&segments("api/orders/7")), Some(vec!["7".to_owned()]));
        assert_eq!(route.places(&segments("api/orders")), None);
        assert_eq!(route.places(&segments("api/orders/7/8")), None);
        let hooks = read("POST /hooks/>", "hooks.>").unwrap();
        assert_eq!(hooks.places(&segments("hooks/a/b")), Some(segments("a/b")));
        assert_eq!(hooks.places(&segments("hooks")), None);
        for (place, subject, words) in [
            ("/api", "a", "a method and a path"),
            ("FETCH /api", "a", "none of"),
            ("GET api", "a", "begin with /"),
            ("GET /v1/x", "a", "own"),
            ("GET /varz", "a", "own"),
            ("GET /", "a", "own"),
            ("GET /*", "a.*", "own"),
            ("GET /a/>/b", "a.>", "at the end"),
            ("GET /a/*", "a", "wildcards"),
            ("GET /a", "a.*", "wildcards"),
            ("GET /a", "a b", "no subject"),
        ] {
            let told = read(place, subject).unwrap_err();
            assert!(told.contains(words), "{place}: {told}");
        }
    }
}
