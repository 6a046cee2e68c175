//! What a server calls itself and its connections, replaced by what the script calls them.

use std::collections::BTreeMap;

/// Ids, ports and paths of one run.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// What stands in the texts, and what is to stand there.
    words: Vec<(String, String)>,
    /// Connections by the number the server gave them.
    cids: BTreeMap<u64, usize>,
}

impl Names {
    /// `word` is said as `name`.
    pub fn learn(&mut self, word: impl Into<String>, name: impl Into<String>) {
        let (word, name) = (word.into(), name.into());
        if !word.is_empty() && !self.words.iter().any(|(known, _)| *known == word) {
            self.words.push((word, name));
            // Longer words first, so that none is replaced within another.
            self.words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        }
    }

    /// The server's number of a connection.
    pub fn learn_cid(&mut self, cid: u64, conn: usize) {
        self.cids.insert(cid, conn);
    }

    /// The script's number of a connection.
    #[must_use]
    pub fn conn_of(&self, cid: u64) -> Option<usize> {
        self.cids.get(&cid).copied()
    }

    /// `text` with everything that is known replaced.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, name) in &self.words {
            if text.contains(word.as_str()) {
                text = replace_whole(&text, word, name);
            }
        }
        text
    }
}

/// Replaces `word` where no letter or digit continues it.
fn replace_whole(text: &str, word: &str, name: &str) -> String {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, found) = rest.split_at(at);
        let after = &found[word.len()..];
        out.push_str(before);
        let is_whole = !is_part(out.chars().next_back()) && !is_part(after.chars().next());
        out.push_str(if is_whole { name } else { word });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_replaced_the_longer_ones_first() {
        let mut names = Names::default();
        names.learn("127.0.0.1:42", "SERVER");
        names.learn("127.0.0.1:421", "CONN0");
        names.learn("127.0.0.1:42", "ANOTHER");
        assert_eq!(
            names.apply("127.0.0.1:42, 127.0.0.1:421, 127.0.0.1:4211"),
            "SERVER, CONN0, 127.0.0.1:4211"
        );
    }
}
