//! Very many subscriptions of one connection.

use crate::frames;

/// What the subscriptions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Each to a subject of its own.
    Plain,
    /// The same, in a queue group.
    Queue,
    /// Each to a filter of its own, with a wildcard.
    Wild,
    /// All to one subject.
    Same,
}

impl Rows {
    /// The SUBs of those with these numbers.
    pub(crate) fn subscribe(self, numbers: impl Iterator<Item = u32>) -> Vec<u8> {
        let line = |number: u32| {
            let queue = (self == Self::Queue).then_some("group");
            frames::subscribe(&self.filter(number), queue, &number.to_string())
        };
        numbers.flat_map(line).collect()
    }

    fn filter(self, number: u32) -> String {
        match self {
            Self::Plain | Self::Queue => format!("row.{number}.value"),
            Self::Wild => format!("row.{number}.*"),
            Self::Same => "row.all".to_owned(),
        }
    }
}

pub(crate) fn unsubscribe(numbers: impl Iterator<Item = u32>) -> Vec<u8> {
    numbers.flat_map(|number| frames::unsubscribe(&number.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_what_it_says() {
        let text = |rows: Rows| String::from_utf8(rows.subscribe(7..8)).unwrap();
        assert_eq!(text(Rows::Plain), "SUB row.7.value 7\r\n");
        assert_eq!(text(Rows::Queue), "SUB row.7.value group 7\r\n");
        assert_eq!(text(Rows::Wild), "SUB row.7.* 7\r\n");
        assert_eq!(text(Rows::Same), "SUB row.all 7\r\n");
        assert_eq!(unsubscribe(7..9), b"UNSUB 7\r\nUNSUB 8\r\n");
    }
}
