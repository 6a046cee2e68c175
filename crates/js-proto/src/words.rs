//! Enumerations that are words in JSON.

/// Makes enumerations of rows: `Name = "word"`, or `"word" | "other"`, of which the first is written. The first row
/// is the default. What is none of these words goes to `$otherwise`.
macro_rules! words {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident, $otherwise:path => {
            $( $(#[$row_meta:meta])* $row:ident = $word:literal $(| $other:literal)*, )*
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$row_meta])* $row, )*
        }

        impl $name {
            /// All of them; the first is the default.
            pub const ALL: &[Self] = &[$( Self::$row ),*];

            /// The word for it.
            pub const fn word(self) -> &'static str {
                match self {
                    $( Self::$row => $word, )*
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::ALL[0]
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl ::nats_proto::go_json::Field for $name {
            fn store(
                &mut self,
                value: ::nats_proto::go_json::Value<'_>,
            ) -> Result<(), ::nats_proto::go_json::Mismatch> {
                // Go compares the text as it is written, so an escaped letter makes another word.
                let word = value.bytes().strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
                *self = match word.and_then(|word| str::from_utf8(word).ok()) {
                    $( Some($word $(| $other)*) => Self::$row, )*
                    _ => $otherwise(value)?,
                };
                Ok(())
            }
        }

        impl $crate::go_struct::IsSet for $name {
            fn is_set(&self) -> bool {
                *self != Self::default()
            }
        }
    )* };
}

pub(crate) use words;
