//! Passwords and tokens, plain or hashed.

use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// Whether a stored password is a bcrypt hash, going by how it begins: `$2a$10$`.
pub(crate) fn is_hash(stored: &Secret) -> bool {
    let text = stored.reveal().as_bytes();
    matches!(text, [b'$', b'2', b'a' | b'b' | b'x' | b'y', b'$', tens, ones, b'$', ..]
        if tens.is_ascii_digit() && ones.is_ascii_digit())
}

/// Compares plain text in a time that does not tell where it differs.
pub(crate) fn is_same(stored: &Secret, given: &str) -> bool {
    stored.reveal().as_bytes().ct_eq(given.as_bytes()).into()
}

/// Compares with a hash. Takes from a millisecond to seconds, as the hash says.
pub(crate) fn matches_hash(stored: &Secret, given: &Secret) -> bool {
    bcrypt::verify(given.reveal(), stored.reveal()).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_told_by_how_they_begin() {
        for hash in ["$2a$10$", "$2b$04$lw4W5MsZdKmx", "$2x$11$x", "$2y$31$"] {
            assert!(is_hash(&hash.into()), "{hash}");
        }
        for plain in ["", "$2a$", "$2c$10$x", "$2a$1$x", "2a$10$x", "$2a$10x"] {
            assert!(!is_hash(&plain.into()), "{plain}");
        }
    }

    #[test]
    fn a_password_fits_its_hash() {
        let hash = Secret::new("$2b$04$lw4W5MsZdKmxrQPIBHko5uWOPVimzvkfnP1Qb9lr9DY14ITIJYLlG");
        assert!(matches_hash(&hash, &"bar".into()));
        assert!(!matches_hash(&hash, &"baz".into()));
        assert!(!matches_hash(&"$2b$04$short".into(), &"bar".into()));
    }
}
