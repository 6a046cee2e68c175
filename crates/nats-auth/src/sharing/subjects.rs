//! How a subject of one account becomes that of another.

use subject_trie::{Transform, TransformError, has_wildcard};

use super::placeholders::{filter_of, number_wildcards, way_back};

/// What a subject is on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rename {
    /// The same.
    Same,
    /// This one, whatever it was.
    Fixed(Box<[u8]>),
    /// What a transform makes of it.
    Transform(Transform),
}

impl Rename {
    /// Puts in `into` what the subject becomes.
    pub(crate) fn apply(&self, subject: &[u8], into: &mut Vec<u8>) {
        into.clear();
        match self {
            Self::Same => into.extend_from_slice(subject),
            Self::Fixed(fixed) => into.extend_from_slice(fixed),
            Self::Transform(transform) => transform.apply(subject, || 0, into),
        }
    }
}

/// Subjects that are one thing in an account and another in the next: `near` there and `far` here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The filter of those of the account that made them.
    pub(crate) far: String,
    /// The filter of what they are in the account that imports them.
    pub(crate) near: String,
    /// What one of the former is in the account that imports them.
    pub(crate) inwards: Rename,
    /// What one of the latter is in the account that made them.
    pub(crate) outwards: Rename,
}

impl Pair {
    /// Both filters, `far` first.
    pub(crate) fn both(&self) -> (&str, &str) {
        (&self.far, &self.near)
    }

    /// Reads what `far` is to be: `near` may name its wildcards, as they are or by number.
    pub(crate) fn new(far: &str, near: &str) -> Result<Self, TransformError> {
        if near == far || !has_wildcard(far.as_bytes()) {
            let rename =
                |to: &str| if near == far { Rename::Same } else { Rename::Fixed(to.as_bytes().into()) };
            let (inwards, outwards) = (rename(near), rename(far));
            return Ok(Self { far: far.into(), near: near.into(), inwards, outwards });
        }
        let destination = number_wildcards(near);
        let inwards = Transform::reversible(far, &destination)?;
        let (near, numbers) = filter_of(&destination);
        let outwards = Transform::reversible(&near, &way_back(far, &numbers))?;
        Ok(Self {
            far: far.into(),
            near,
            inwards: Rename::Transform(inwards),
            outwards: Rename::Transform(outwards),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By row: what is imported, what it is to be, a subject there, and what it is here.
    #[test]
    fn a_subject_comes_back_as_it_was() {
        for (far, near, there, here) in [
            ("a.b", "a.b", "a.b", "a.b"),
            ("a.b", "x", "a.b", "x"),
            ("a.*", "x.*", "a.1", "x.1"),
            ("a.*.b.*", "n.$2.x.$1", "a.1.b.2", "n.2.x.1"),
            ("a.*.*.*", "{{wildcard(2)}}.$3.$1", "a.1.2.3", "2.3.1"),
            ("a.>", "p.a.>", "a.b.c", "p.a.b.c"),
        ] {
            let pair = Pair::new(far, near).unwrap();
            let mut into = b"old".to_vec();
            pair.inwards.apply(there.as_bytes(), &mut into);
            assert_eq!(into, here.as_bytes());
            pair.outwards.apply(here.as_bytes(), &mut into);
            assert_eq!(into, there.as_bytes());
        }
    }

    #[test]
    fn what_cannot_come_back_is_refused() {
        for (far, near, reason) in [
            ("a.*", "x.$2", "invalid mapping destination: wildcard index out of range in $2: [2]"),
            ("a.*", "x", "invalid mapping destination: not using all of the token wildcard(s) in x"),
            ("a.*", "x.>", "invalid subject"),
            (
                "a.*",
                "{{split(1,-)}}",
                "invalid mapping destination: the only mapping function allowed for import transforms is {{Wildcard()}} in {{split(1,-)}}",
            ),
        ] {
            assert_eq!(Pair::new(far, near).unwrap_err().to_string(), reason);
        }
    }
}
