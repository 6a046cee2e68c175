//! A backup of all streams of an account: a folder for each, with what `nats stream backup` writes.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::{Copied, CopyError, Link, Outcome, Tell};

/// How a stream is configured, and what was in it. It is written last: a folder without it is no backup.
pub(crate) const META_FILE: &str = "backup.json";

/// What a server says of a snapshot that it was to check, and that lacks messages.
const BAD_MESSAGES: &str = "bad messages";

/// The archive.
pub(crate) const ARCHIVE_FILE: &str = "stream.tar.s2";

/// Takes a snapshot of each stream of the account, one after the other, into a folder that has none of these streams yet.
/// Clients use them meanwhile. `tell` hears what came of each once it is known.
///
/// # Errors
/// It cannot be known which streams there are. What went wrong with one of them stands in its [`Outcome`].
pub fn backup(link: &mut Link, folder: &Path, tell: Tell<'_>) -> Result<(), CopyError> {
    for stream in names(link)? {
        let result = backup_stream(link, &stream, &folder.join(&stream));
        tell(&Outcome { stream, result });
    }
    Ok(())
}

fn names(link: &mut Link) -> Result<Vec<String>, CopyError> {
    let mut names = Vec::new();
    loop {
        let answer = link.ask("STREAM.NAMES", &json!({ "offset": names.len() }))?;
        let page = answer["streams"].as_array().map_or(&[][..], Vec::as_slice);
        names.extend(page.iter().filter_map(Value::as_str).map(str::to_owned));
        if page.is_empty() || names.len() as u64 >= answer["total"].as_u64().unwrap_or(0) {
            return Ok(names);
        }
    }
}

/// The server is to check what it reads. If there are messages that it cannot read, what can be read is backed up, and
/// how many are missing is said.
fn backup_stream(link: &mut Link, stream: &str, folder: &Path) -> Result<Copied, CopyError> {
    fs::create_dir_all(folder.parent().unwrap_or(folder)).map_err(CopyError::file(folder))?;
    fs::create_dir(folder).map_err(CopyError::file(folder))?;
    let (state, missing) = match archive(link, stream, folder, true) {
        Err(CopyError::Unfinished(why)) if why.contains(BAD_MESSAGES) => {
            let path = folder.join(ARCHIVE_FILE);
            fs::remove_file(&path).map_err(CopyError::file(&path))?;
            (archive(link, stream, folder, false)?, Some(why))
        }
        checked => (checked?, None),
    };
    sync_folder(folder)?;
    // The folder itself was made just now.
    sync_folder(folder.parent().unwrap_or(folder))?;
    Ok(Copied { missing, ..Copied::of(&state) })
}

/// Writes the archive, and what it is of. Returns how the stream stood.
fn archive(link: &mut Link, stream: &str, folder: &Path, is_checked: bool) -> Result<Value, CopyError> {
    let deliver = link.listen();
    let request = json!({ "deliver_subject": deliver, "jsck": is_checked });
    let answer = link
        .ask(&format!("STREAM.SNAPSHOT.{stream}"), &request)
        // Nothing came: the folder, which is empty, would be in the way of another try.
        .inspect_err(|_| drop(fs::remove_dir(folder)))?;
    let path = folder.join(ARCHIVE_FILE);
    let mut file = File::create_new(&path).map_err(CopyError::file(&path))?;
    loop {
        let part = link.next_on(&deliver)?;
        if part.payload.is_empty() {
            check_end(&part.header)?;
            break;
        }
        file.write_all(&part.payload).map_err(CopyError::file(&path))?;
        if let Some(reply) = part.reply {
            link.publish(&reply, b"")?;
        }
    }
    file.sync_all().map_err(CopyError::file(&path))?;
    let meta = json!({ "config": answer["config"], "state": answer["state"] });
    write_file(&folder.join(META_FILE), meta.to_string().as_bytes())?;
    Ok(answer["state"].clone())
}

/// A snapshot that is not whole says so. One that is says so, or nothing.
fn check_end(header: &[u8]) -> Result<(), CopyError> {
    if header.is_empty() || header.starts_with(b"NATS/1.0 204") {
        return Ok(());
    }
    let line = header.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Err(CopyError::Unfinished(String::from_utf8_lossy(line).into_owned()))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), CopyError> {
    let mut file = File::create_new(path).map_err(CopyError::file(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(CopyError::file(path))
}

fn sync_folder(path: &Path) -> Result<(), CopyError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(CopyError::file(path))
}
