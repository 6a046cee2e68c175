//! The console's page: made of its sources by Node, packed, and put into the table that the server embeds.
//!
//! What comes of it is kept in the repository, so nobody else needs Node. It is the same wherever it is made: versions are
//! locked, names of files have a digest of what is in them, and packing is ours.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

use crate::run;
use crate::workspace::Workspace;

const SOURCES: &str = "crates/console/app";
const DIST: &str = "crates/console/dist";
const TABLE: &str = "crates/console/src/files.rs";

/// The files whose names stay.
const NAMED: [&str; 2] = ["index.html", "licences.txt"];

/// Digits of a tag.
const TAG_DIGITS: usize = 16;

/// What is made, by path.
type Made = BTreeMap<PathBuf, Vec<u8>>;

/// Makes it anew.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let made = make(workspace)?;
    let dist = workspace.root.join(DIST);
    if dist.exists() {
        fs::remove_dir_all(&dist).with_context(|| format!("clearing {DIST}"))?;
    }
    fs::create_dir_all(&dist).with_context(|| format!("creating {DIST}"))?;
    for (path, bytes) in &made {
        fs::write(workspace.root.join(path), bytes).with_context(|| format!("writing {}", path.display()))?;
    }
    println!("console: {}", weights(&made));
    Ok(())
}

/// Fails when what is kept is not what its sources make.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let made = make(workspace)?;
    let kept = kept(workspace)?;
    if made != kept {
        let stale = made.iter().filter(|(path, bytes)| kept.get(*path) != Some(bytes)).map(|(path, _)| path);
        let left = kept.keys().filter(|path| !made.contains_key(*path));
        let names: Vec<String> = stale.chain(left).map(|path| path.display().to_string()).collect();
        bail!("stale: {}; run `cargo xtask console`", names.join(", "));
    }
    println!("console: {} fresh", weights(&made));
    Ok(())
}

/// Drives the page in a browser.
pub(crate) fn test(workspace: &Workspace, shots: Option<&str>) -> Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "-p", "conformance", "--test", "console", "--", "--nocapture"]);
    if let Some(folder) = shots {
        command.env("CONSOLE_SHOTS", std::path::absolute(folder)?);
    }
    run::run(command.current_dir(&workspace.root))
}

fn kept(workspace: &Workspace) -> Result<Made> {
    let mut kept = files(&workspace.root.join(DIST), Path::new(DIST))?;
    let table = fs::read(workspace.root.join(TABLE)).with_context(|| format!("reading {TABLE}"))?;
    kept.insert(TABLE.into(), table);
    Ok(kept)
}

fn make(workspace: &Workspace) -> Result<Made> {
    let app = workspace.root.join(SOURCES);
    let out = workspace.root.join("target/console/dist");
    let said =
        "the console is made with Node.js and npm: install them, on Debian `apt-get install nodejs npm`";
    run::run(npm(&app).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]))
        .context(said)?;
    run::run(npm(&app).args(["run", "--silent", "check"]))?;
    run::run(npm(&app).args(["run", "--silent", "build", "--"]).arg(&out))?;
    let plain = files(&out, Path::new(DIST))?;
    let mut made = Made::new();
    for (path, bytes) in &plain {
        let mut packed = path.clone().into_os_string();
        packed.push(".gz");
        made.insert(packed.into(), pack(bytes)?);
    }
    made.insert(TABLE.into(), table(&plain)?.into_bytes());
    made.extend(plain);
    Ok(made)
}

fn npm(app: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(app);
    npm
}

/// The files of a folder, each as if it were in `shown`.
fn files(folder: &Path, shown: &Path) -> Result<Made> {
    let mut files = Made::new();
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let bytes = fs::read(entry.path()).with_context(|| format!("reading {}", entry.path().display()))?;
        files.insert(shown.join(entry.file_name()), bytes);
    }
    Ok(files)
}

fn pack(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    packer.write_all(bytes)?;
    Ok(packer.finish()?)
}

fn table(plain: &Made) -> Result<String> {
    let mut rows = String::new();
    for (path, bytes) in plain {
        let name = path.file_name().and_then(|name| name.to_str()).context("a name that is text")?;
        let kind = if NAMED.contains(&name) { "asked_for" } else { "kept" };
        let tag: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let (tag, content_type) = (&tag[..TAG_DIGITS], content_type(name)?);
        writeln!(
            rows,
            "    File {{ name: \"{name}\", content_type: \"{content_type}\", tag: \"\\\"{tag}\\\"\", \
             packed: include_bytes!(\"../dist/{name}.gz\"), headers: headers!({kind}, \"\\\"{tag}\\\"\") }},"
        )?;
    }
    Ok(format!(
        "//! The files of `dist/`, one a line; made by `cargo xtask console`.\n\n\
         use crate::file::{{File, headers}};\n\n\
         #[rustfmt::skip]\n\
         pub(crate) static FILES: [File; {}] = [\n{rows}];\n",
        plain.len()
    ))
}

fn content_type(name: &str) -> Result<&'static str> {
    Ok(match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => bail!("what is {name}?"),
    })
}

fn weights(made: &Made) -> String {
    let packed = made.iter().filter(|(path, _)| path.extension().is_some_and(|kind| kind == "gz"));
    let (count, bytes) = packed.fold((0, 0), |(count, sum), (_, bytes)| (count + 1, sum + bytes.len()));
    format!("{count} files, {:.1} KiB packed", bytes as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_the_same_each_time_and_has_a_row() {
        let plain = Made::from([("d/a-1.js".into(), b"1".to_vec()), ("d/index.html".into(), b"2".to_vec())]);
        assert_eq!(pack(b"abc").unwrap(), pack(b"abc").unwrap());
        let table = table(&plain).unwrap();
        assert!(table.contains("[File; 2]") && table.contains("headers!(kept, \"\\\""), "{table}");
        assert!(
            table.contains("include_bytes!(\"../dist/index.html.gz\"), headers: headers!(asked_for"),
            "{table}"
        );
    }

    #[test]
    fn a_kind_of_file_that_is_not_known_is_no_file_of_the_page() {
        assert!(content_type("a.exe").is_err());
    }
}
