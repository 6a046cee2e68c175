//! One thing that a server wants of another: a subject, perhaps with a queue group, perhaps for a leaf cluster.

use nats_proto::InterestKey;

/// The words of an [`InterestKey`] of one account, on their own: words have no blanks, so blanks keep them apart.
///
/// In order of class, then of bytes. Two that are equal are the same interest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interest {
    text: Box<[u8]>,
}

/// What the class of interest begins with, and how many words it has before the subject.
const OWN: u8 = b'R';
const OF_LEAF: u8 = b'L';

impl Interest {
    /// Without the account, whichever it is: who keeps interest keeps it by account.
    pub fn of(key: &InterestKey<'_>) -> Self {
        let class = if key.origin.is_some() { OF_LEAF } else { OWN };
        let words = [key.origin, Some(key.subject), key.queue];
        let len = 1 + words.iter().flatten().map(|word| 1 + word.len()).sum::<usize>();
        let mut text = Vec::with_capacity(len);
        text.push(class);
        for word in words.into_iter().flatten() {
            text.push(b' ');
            text.extend_from_slice(word);
        }
        Self { text: text.into() }
    }

    /// The words again, with the account to name if the connection carries more than one.
    pub fn key<'a>(&'a self, account: Option<&'a [u8]>) -> InterestKey<'a> {
        let mut words = self.text.split(|byte| *byte == b' ');
        let class = words.next();
        let origin = if class == Some(&[OF_LEAF]) { words.next() } else { None };
        let subject = words.next().expect("a subject was put in");
        InterestKey { origin, account, subject, queue: words.next() }
    }

    /// Whether it is wanted on behalf of a leaf cluster.
    pub fn has_origin(&self) -> bool {
        self.text.first() == Some(&OF_LEAF)
    }

    /// Whether members of a queue group want it: then their number is told.
    pub fn has_group(&self) -> bool {
        self.key(None).queue.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_groups_are_kept_apart() {
        let key =
            |origin: Option<&'static str>, subject: &'static str, queue: Option<&'static str>| InterestKey {
                origin: origin.map(str::as_bytes),
                account: None,
                subject: subject.as_bytes(),
                queue: queue.map(str::as_bytes),
            };
        let keys = [
            key(None, "bar", Some("baz")),
            key(Some("bar"), "baz", None),
            key(Some("bar"), "baz", Some("q")),
            // As servers before 2.10.23 end it: they do not say whose it is.
            key(Some(""), "baz", Some("q")),
            key(None, "bar", None),
        ];
        for (at, one) in keys.iter().enumerate() {
            let interest = Interest::of(one);
            assert_eq!(interest.key(None), *one);
            assert_eq!(interest.key(Some(b"A")).account, Some(&b"A"[..]));
            assert_eq!(interest.has_group(), one.queue.is_some());
            assert!(keys[..at].iter().all(|other| Interest::of(other) != interest), "{one:?}");
        }
    }
}
