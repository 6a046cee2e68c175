//! What a file of a stream is, by its path below the stream's folder.

/// A file of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// How the stream is configured.
    Meta,
    /// Messages: the block of that number.
    Block(u32),
    /// Which of them are gone.
    State,
    /// How a consumer is configured.
    ConsumerMeta(String),
    /// Where it stands.
    ConsumerState(String),
    /// What went wrong when the archive was made.
    Errors,
    /// Anything that is made anew or says nothing: checksums of the others, times of messages.
    Other,
}

impl Part {
    /// Of a path with slashes.
    pub fn of(path: &[u8]) -> Self {
        let Ok(path) = str::from_utf8(path) else { return Self::Other };
        let path = path.strip_prefix("./").unwrap_or(path);
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["meta.inf"] => Self::Meta,
            ["errors.txt"] => Self::Errors,
            ["msgs", "index.db"] => Self::State,
            ["msgs", file] => block_number(file).map_or(Self::Other, Self::Block),
            ["obs", consumer, "meta.inf"] => Self::ConsumerMeta(consumer.to_owned()),
            ["obs", consumer, "o.dat"] => Self::ConsumerState(consumer.to_owned()),
            _ => Self::Other,
        }
    }

    /// The path of a part.
    pub fn path(&self) -> String {
        match self {
            Self::Meta => "meta.inf".to_owned(),
            Self::Block(number) => format!("msgs/{number}.blk"),
            Self::State => "msgs/index.db".to_owned(),
            Self::ConsumerMeta(consumer) => format!("obs/{consumer}/meta.inf"),
            Self::ConsumerState(consumer) => format!("obs/{consumer}/o.dat"),
            Self::Errors => "errors.txt".to_owned(),
            Self::Other => String::new(),
        }
    }
}

fn block_number(file: &str) -> Option<u32> {
    let digits = file.strip_suffix(".blk")?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty();
    digits.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_files_are() {
        for part in [
            Part::Meta,
            Part::Block(17),
            Part::State,
            Part::ConsumerMeta("C".into()),
            Part::ConsumerState("C".into()),
            Part::Errors,
        ] {
            assert_eq!(Part::of(part.path().as_bytes()), part);
        }
        for other in
            ["meta.sum", "msgs/1.blk.tmp", "msgs/+1.blk", "msgs/thw.db", "a/meta.inf", "msgs/a/1.blk", ""]
        {
            assert_eq!(Part::of(other.as_bytes()), Part::Other, "{other}");
        }
    }
}
