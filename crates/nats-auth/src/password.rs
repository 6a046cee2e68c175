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
    let hash = plain_hash(stored.reveal());
    hash.is_some_and(|hash| bcrypt::verify(given.reveal(), &hash).unwrap_or(false))
}

/// Bytes of a hash. nats-server does not look at what follows.
const HASH_BYTES: usize = 60;

/// The place of the salt's last character, of which only the two upper bits count.
const SALT_END: usize = 28;

/// The hash as the library takes it: nothing behind it, and no bit set that does not count.
fn plain_hash(stored: &str) -> Option<String> {
    const CHARACTERS: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let hash = stored.get(..HASH_BYTES)?;
    let (front, behind) = hash.split_at_checked(SALT_END)?;
    let (last, behind) = behind.split_at_checked(1)?;
    let value = CHARACTERS.iter().position(|character| [*character] == *last.as_bytes())?;
    Some(format!("{front}{}{behind}", char::from(CHARACTERS[value & 0b11_0000])))
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

    /// All but the last ones are a password's hash to Go.
    #[test]
    fn what_does_not_count_in_a_hash_is_not_looked_at() {
        let fits = |stored: &str| matches_hash(&stored.into(), &"pw".into());
        for stored in [
            "$2a$04$yAmX84x0KJv33.KmYLqoa.8kHK9XLZXnCgOs.FMATWeLNKoWjxV76",
            "$2a$04$yAmX84x0KJv33.KmYLqoa.8kHK9XLZXnCgOs.FMATWeLNKoWjxV76x",
            "$2a$04$yAmX84x0KJv33.KmYLqoa.8kHK9XLZXnCgOs.FMATWeLNKoWjxV76é",
            "$2a$04$yAmX84x0KJv33.KmYLqoaN8kHK9XLZXnCgOs.FMATWeLNKoWjxV76",
        ] {
            assert!(fits(stored), "{stored}");
        }
        for stored in [
            "$2a$04$yAmX84x0KJv33.KmYLqoa.8kHK9XLZXnCgOs.FMATWeLNKoWjxV77",
            "$2a$04$yAmX84x0KJv33.KmYLqoa.8kHK9XLZXnCgOs.FMATWeLNKoWjxV7",
            "$2a$04$yAmX84x0KJv33.KmYLqoa.8kHK9XLZXnCgOs.FMATWeLNKoWjxVé",
            "$2a$04$yAmX84x0KJv33.KmYLqoaé8kHK9XLZXnCgOs.FMATWeLNKoWjxV76",
        ] {
            assert!(!fits(stored), "{stored}");
        }
    }
}
