//! What a configuration draws on besides its own text.

/// How to reach files and the environment, which this crate does not touch itself.
#[derive(Clone, Copy)]
pub struct Sources<'s> {
    /// Reads a file, or says why it can not be read (nats-server: `open x.conf: no such file or
    /// directory`). Paths of includes come with the folder of the file that includes them.
    pub read: &'s dyn Fn(&str) -> Result<Vec<u8>, String>,
    /// The value of an environment variable.
    pub env: &'s dyn Fn(&str) -> Option<String>,
}

impl Sources<'_> {
    /// No files and no environment.
    pub const NONE: Sources<'static> = Sources { read: &no_file, env: &no_variable };
}

fn no_file(path: &str) -> Result<Vec<u8>, String> {
    Err(format!("open {path}: no such file or directory"))
}

fn no_variable(_name: &str) -> Option<String> {
    None
}

/// The path of a file that `file` includes as `path`: always below the folder of `file`, even if it
/// begins with a slash, and without `.` and `..` where they can be resolved.
pub(crate) fn join(file: &str, path: &str) -> String {
    let folder = file.rfind('/').map_or("", |slash| &file[..=slash]);
    let whole = format!("{folder}/{path}");
    let rooted = folder.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let root = if rooted { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_found_beside_the_file_that_names_them() {
        for (file, path, expected) in [
            ("", "a.conf", "a.conf"),
            ("nats.conf", "./a.conf", "a.conf"),
            ("nats.conf", "/etc/a.conf", "etc/a.conf"),
            ("etc/nats.conf", "a.conf", "etc/a.conf"),
            ("/etc/nats.conf", "sub/a.conf", "/etc/sub/a.conf"),
            ("/etc/nats.conf", "../a.conf", "/a.conf"),
            ("/etc/nats.conf", "../../../a.conf", "/a.conf"),
            ("nats.conf", "../../a.conf", "../../a.conf"),
            ("../x/nats.conf", "../a.conf", "../a.conf"),
            ("./nats.conf", "b/./c//a.conf", "b/c/a.conf"),
        ] {
            assert_eq!(join(file, path), expected, "{path} in {file}");
        }
    }
}
