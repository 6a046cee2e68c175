//! The files in which a nats-server that is stopped keeps a stream. They are read, and nothing else is done with them.

use std::fs;
use std::path::{Path, PathBuf};

use foreign_store::{Part, unpack_block};
use serde_json::{Map, Value};

use crate::CopyError;
use crate::restore::folders;

/// Files that are there if what is beside them is encrypted.
const KEY_FILE: &str = "meta.key";

/// A stream, by its folder.
pub(crate) struct OldStream {
    folder: PathBuf,
    /// How it is configured.
    pub(crate) config: Value,
    meta: Vec<u8>,
}

impl OldStream {
    /// Reads how a stream is configured.
    pub(crate) fn open(folder: &Path) -> Result<Self, CopyError> {
        if folder.join(KEY_FILE).exists() {
            return Err(CopyError::bad_file(folder, "the stream is encrypted: back it up from its server"));
        }
        let path = folder.join("meta.inf");
        let meta = read(&path)?;
        let mut config = object(&path, &meta)?;
        config.remove("Created");
        // Here there are no others.
        config.insert("num_replicas".into(), 1.into());
        Ok(Self { folder: folder.to_owned(), config: Value::Object(config), meta })
    }

    /// Its files as they stand in a snapshot, in order.
    pub(crate) fn each_file(
        &self,
        mut take: impl FnMut(&str, &[u8]) -> Result<(), CopyError>,
    ) -> Result<(), CopyError> {
        take(&Part::Meta.path(), &self.meta)?;
        let messages = self.folder.join("msgs");
        for number in blocks(&messages)? {
            let path = messages.join(format!("{number}.blk"));
            let block = unpack_block(read(&path)?).map_err(|damage| CopyError::bad_file(&path, damage))?;
            take(&Part::Block(number).path(), &block)?;
        }
        let index = messages.join("index.db");
        if index.is_file() {
            take(&Part::State.path(), &read(&index)?)?;
        }
        let consumers = self.folder.join("obs");
        let names = if consumers.is_dir() { folders(&consumers)? } else { Vec::new() };
        for name in names {
            let folder = consumers.join(&name);
            let path = folder.join("meta.inf");
            if !path.is_file() {
                continue;
            }
            let mut meta = object(&path, &read(&path)?)?;
            meta.insert("num_replicas".into(), 0.into());
            take(&Part::ConsumerMeta(name.clone()).path(), Value::Object(meta).to_string().as_bytes())?;
            let state = folder.join("o.dat");
            if state.is_file() {
                take(&Part::ConsumerState(name).path(), &read(&state)?)?;
            }
        }
        Ok(())
    }
}

/// The numbers of the blocks, in order.
fn blocks(folder: &Path) -> Result<Vec<u32>, CopyError> {
    let mut numbers = Vec::new();
    if !folder.is_dir() {
        return Ok(numbers);
    }
    for entry in fs::read_dir(folder).map_err(CopyError::file(folder))? {
        let name = entry.map_err(CopyError::file(folder))?.file_name();
        if let Part::Block(number) = Part::of(format!("msgs/{}", name.to_string_lossy()).as_bytes()) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn read(path: &Path) -> Result<Vec<u8>, CopyError> {
    fs::read(path).map_err(CopyError::file(path))
}

fn object(path: &Path, bytes: &[u8]) -> Result<Map<String, Value>, CopyError> {
    serde_json::from_slice(bytes).map_err(|error| CopyError::bad_file(path, error))
}
