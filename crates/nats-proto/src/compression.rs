//! How two servers agree on compression, and how strong it is.

use std::fmt;
use std::time::Duration;

use crate::{GoDuration, quote};

/// What a server thinks of compression between servers, or what two of them agreed on. What is compressed is a
/// stream of S2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// It does not know of any; so are servers before 2.10, which say nothing.
    NotSupported,
    /// It wants none.
    Off,
    /// It does not begin with it, and takes what the other side wants. Routes are like that if nothing else is set.
    Accept,
    /// It wants it, as strong as the way is long: see [`AutoLevels`]. Leaf nodes are like that if nothing else is set.
    S2Auto,
    /// It wants the form of it, with the bytes as they are.
    S2Uncompressed,
    /// It wants it, and it is to be fast.
    S2Fast,
    /// Somewhat smaller, and slower.
    S2Better,
    /// As small as it gets, and slow.
    S2Best,
}

/// A word of the other side that is none, with nats-server's words for the `-ERR`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unsupported route compression mode {}", quote(.0))]
pub struct UnknownCompression(pub String);

/// Each word in INFO and CONNECT, and the others that a configuration may have for it.
const WORDS: [(Compression, &str, &[&str]); 8] = [
    (Compression::NotSupported, "not supported", &["not_supported"]),
    (Compression::Off, "off", &["disabled", "false"]),
    (Compression::Accept, "accept", &[]),
    (Compression::S2Auto, "s2_auto", &["auto"]),
    (Compression::S2Uncompressed, "s2_uncompressed", &[]),
    (Compression::S2Fast, "s2_fast", &["fast"]),
    (Compression::S2Better, "s2_better", &["better"]),
    (Compression::S2Best, "s2_best", &["best"]),
];

impl Compression {
    /// As written in INFO and CONNECT.
    pub fn word(self) -> &'static str {
        let row = WORDS.iter().find(|(mode, ..)| *mode == self);
        row.expect("each has a word").1
    }

    /// Reads the word of an INFO or a CONNECT, which may be missing.
    ///
    /// # Errors
    ///
    /// It is none: the connection ends with these words.
    pub fn of_peer(word: &str) -> Result<Self, UnknownCompression> {
        if word.is_empty() {
            return Ok(Self::NotSupported);
        }
        let row = WORDS.iter().find(|(_, known, _)| *known == word);
        row.map(|(mode, ..)| *mode).ok_or_else(|| UnknownCompression(word.to_owned()))
    }

    /// Reads the word of a configuration, in any case. `on` is what that word stands for: it is another for routes
    /// than for leaf nodes. `None` if the word is none.
    pub fn of_setting(word: &str, on: Self) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        if ["on", "enabled", "true"].contains(&&*word) {
            return Some(on);
        }
        let is_it = |known: &str, others: &[&str]| known == word || others.contains(&&*word);
        let row = WORDS.iter().find(|(mode, known, others)| {
            // Only the way's length leads to that one.
            *mode != Self::S2Uncompressed && is_it(known, others)
        });
        row.map(|(mode, ..)| *mode)
    }

    /// What a server that thinks this does with one that thinks `theirs`. Each side finds out for itself what it
    /// writes; both come to the same about whether anything is compressed.
    #[must_use]
    pub fn with(self, theirs: Self) -> Self {
        match (self, theirs) {
            (_, Self::NotSupported) => Self::NotSupported,
            (_, Self::Off) => Self::Off,
            (Self::Accept, Self::Accept) => Self::Off,
            (Self::Accept, Self::S2Auto) => Self::S2Fast,
            (Self::Accept, theirs) => theirs,
            (mine, _) => mine,
        }
    }

    /// Whether a server that thinks this has to talk about it before anything else; what two agreed on, whether
    /// anything is compressed.
    pub fn is_on(self) -> bool {
        !matches!(self, Self::NotSupported | Self::Off)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How strong compression is for how long the way is: up to each time to the other side and back one level, from
/// no compression on. A level whose time is zero is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoLevels {
    upto: Vec<Duration>,
}

/// Times that are none for levels, with nats-server's words behind those that name the mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLevels {
    /// One is shorter than one before it.
    #[error("RTT threshold values {0} should be in ascending order")]
    Order(String),
    /// There are more than levels.
    #[error("should have no more than 4 RTT thresholds: {0}")]
    TooMany(String),
    /// All are zero.
    #[error("requires at least one RTT threshold")]
    None,
}

/// Levels there are, from weak to strong.
const LEVELS: [Compression; 4] =
    [Compression::S2Uncompressed, Compression::S2Fast, Compression::S2Better, Compression::S2Best];

impl Default for AutoLevels {
    fn default() -> Self {
        Self { upto: [10, 50, 100].map(Duration::from_millis).to_vec() }
    }
}

impl AutoLevels {
    /// Levels that end at these times. None at all are the usual ones, and below zero counts as zero.
    ///
    /// # Errors
    ///
    /// See [`BadLevels`].
    pub fn new(times: &[GoDuration]) -> Result<Self, BadLevels> {
        if times.is_empty() {
            return Ok(Self::default());
        }
        let shown = || format!("[{}]", times.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        let mut upto: Vec<_> = times.iter().map(|time| time.0.max(0).unsigned_abs()).collect();
        let mut longest = 0;
        for time in upto.iter().filter(|time| **time > 0) {
            if *time < longest {
                return Err(BadLevels::Order(shown()));
            }
            longest = *time;
        }
        let used = upto.iter().rposition(|time| *time > 0).map_or(0, |last| last + 1);
        upto.truncate(used);
        match used {
            0 => Err(BadLevels::None),
            1..=4 => Ok(Self { upto: upto.into_iter().map(Duration::from_nanos).collect() }),
            _ => Err(BadLevels::TooMany(shown())),
        }
    }

    /// The level for that time to the other side and back.
    pub fn level(&self, round_trip: Duration) -> Compression {
        let found = self.upto.iter().position(|time| round_trip <= *time);
        // Beyond the last time comes the last level that was named, or the strongest if three were.
        let beyond = if self.upto.len() >= 3 { 3 } else { self.upto.len() - 1 };
        LEVELS[found.unwrap_or(beyond)]
    }
}

#[cfg(test)]
mod tests {
    use super::Compression::*;
    use super::*;

    const ALL: [Compression; 8] =
        [NotSupported, Off, Accept, S2Auto, S2Uncompressed, S2Fast, S2Better, S2Best];

    #[test]
    fn both_sides_agree_whether_anything_is_compressed() {
        for (mine, theirs, result) in [
            (S2Fast, NotSupported, NotSupported),
            (S2Fast, Off, Off),
            (Accept, Accept, Off),
            (Accept, S2Auto, S2Fast),
            (Accept, S2Best, S2Best),
            (Off, S2Fast, Off),
            (S2Auto, Accept, S2Auto),
            (S2Better, S2Fast, S2Better),
            (S2Auto, S2Fast, S2Auto),
        ] {
            assert_eq!(mine.with(theirs), result, "{mine} with {theirs}");
        }
        for (mine, theirs) in ALL.into_iter().flat_map(|mine| ALL.map(|theirs| (mine, theirs))) {
            assert_eq!(mine.with(theirs).is_on(), theirs.with(mine).is_on(), "{mine} and {theirs}");
            assert_ne!(mine.with(theirs), Accept);
        }
    }

    #[test]
    fn words_are_those_of_nats_server() {
        for mode in ALL {
            assert_eq!(Compression::of_peer(mode.word()), Ok(mode));
        }
        assert_eq!(Compression::of_peer(""), Ok(NotSupported));
        let error = Compression::of_peer("zstd").unwrap_err();
        assert_eq!(error.to_string(), r#"unsupported route compression mode "zstd""#);
        for (word, mode) in [
            ("ON", Some(S2Fast)),
            ("enabled", Some(S2Fast)),
            ("S2_Auto", Some(S2Auto)),
            ("auto", Some(S2Auto)),
            ("false", Some(Off)),
            ("not_supported", Some(NotSupported)),
            ("s2_uncompressed", None),
            ("gzip", None),
        ] {
            assert_eq!(Compression::of_setting(word, S2Fast), mode, "{word}");
        }
    }

    #[test]
    fn levels_follow_the_length_of_the_way() {
        let levels = |millis: &[i64]| {
            AutoLevels::new(&millis.iter().map(|ms| GoDuration(ms * 1_000_000)).collect::<Vec<_>>())
        };
        let at = |millis: &[i64], way| levels(millis).unwrap().level(Duration::from_millis(way));
        for (way, level) in
            [(0, S2Uncompressed), (10, S2Uncompressed), (11, S2Fast), (100, S2Better), (101, S2Best)]
        {
            assert_eq!(at(&[], way), level, "{way} ms");
        }
        assert_eq!(
            (at(&[0, 10, 20], 5), at(&[0, 10, 20], 20), at(&[0, 10, 20], 21)),
            (S2Fast, S2Better, S2Best)
        );
        assert_eq!((at(&[-10, 5, 10], 1), at(&[5, 10, 0, 20], 15)), (S2Fast, S2Best));
        assert_eq!((at(&[5], 50), at(&[5, 10], 50), at(&[1, 2, 3, 4], 50)), (S2Uncompressed, S2Fast, S2Best));
        let refused = |millis: &[i64]| levels(millis).unwrap_err().to_string();
        assert_eq!(refused(&[10, 5]), "RTT threshold values [10ms 5ms] should be in ascending order");
        assert_eq!(refused(&[0, 0]), "requires at least one RTT threshold");
        assert_eq!(
            refused(&[1, 2, 3, 4, 5]),
            "should have no more than 4 RTT thresholds: [1ms 2ms 3ms 4ms 5ms]"
        );
    }
}
