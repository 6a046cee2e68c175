//! Words that nobody else has.

use data_encoding::BASE32_NOPAD;
use rustix::rand::{GetRandomFlags, getrandom};

/// Bytes of one: so many that nobody comes across it.
const BYTES: usize = 14;

/// A word of letters and digits that nobody can guess.
pub(crate) fn unique() -> String {
    let mut bytes = [0; BYTES];
    let filled = getrandom(&mut bytes[..], GetRandomFlags::empty());
    assert_eq!(filled, Ok(BYTES), "the kernel gives this little randomness in one piece");
    BASE32_NOPAD.encode(&bytes)
}
