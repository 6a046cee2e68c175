//! Names that no two things have: twenty-two letters and digits, as NATS makes them.

/// Makes names, from a seed that has to differ from server to server and from start to start.
#[derive(Debug, Clone)]
pub(crate) struct Nuid {
    state: u64,
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LEN: usize = 22;
/// How long the names of consumers are that nobody named.
const CONSUMER_NAME_LEN: usize = 8;

impl Nuid {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A name.
    pub(crate) fn next(&mut self) -> String {
        self.letters(LEN)
    }

    /// A name for a consumer that has none.
    pub(crate) fn next_consumer(&mut self) -> String {
        self.letters(CONSUMER_NAME_LEN)
    }

    fn letters(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(DIGITS[(self.number() % 62) as usize])).collect()
    }

    /// A number: SplitMix64.
    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_are_words_of_a_subject() {
        let mut nuid = Nuid::new(7);
        let mut names: Vec<String> = (0..1000).map(|_| nuid.next()).collect();
        assert!(
            names
                .iter()
                .all(|name| name.len() == 22 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        );
        names.sort();
        names.dedup();
        assert_eq!((names.len(), nuid.next_consumer().len()), (1000, 8));
    }
}
