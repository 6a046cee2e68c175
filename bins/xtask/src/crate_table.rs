//! The crate table in `docs/ARCHITECTURE.md`, generated between two markers so that it stays true.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::splice::splice;
use crate::workspace::{DepKind, Member, Workspace};

const BEGIN: &str = "<!-- crates:begin -->";
const END: &str = "<!-- crates:end -->";

/// Rewrites the table in place.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let Some(page) = Page::open(workspace)? else {
        return Ok(());
    };
    let fresh = page.with_table(&table(workspace))?;
    fs::write(&page.path, fresh).with_context(|| format!("writing {}", page.path.display()))
}

/// Fails when the table differs from what `write` would put there.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let Some(page) = Page::open(workspace)? else {
        return Ok(());
    };
    if page.with_table(&table(workspace))? != page.text {
        bail!("the crate table in {} is stale: run `cargo xtask crates`", page.path.display());
    }
    Ok(())
}

struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    /// `None`, with a note on stdout, when the document is not there.
    fn open(workspace: &Workspace) -> Result<Option<Self>> {
        let path = workspace.root.join("docs/ARCHITECTURE.md");
        if !path.exists() {
            println!("crates: there is no docs/ARCHITECTURE.md to hold the table");
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Some(Self { path, text }))
    }

    /// The page's text with `table` between the markers.
    fn with_table(&self, table: &str) -> Result<String> {
        splice(&self.text, BEGIN, END, table).with_context(|| {
            format!("{} needs the markers {BEGIN} and {END}, in this order", self.path.display())
        })
    }
}

fn table(workspace: &Workspace) -> String {
    let mut members: Vec<&Member> = workspace.members.iter().collect();
    members.sort_by_key(|member| (member.layer, &member.name));
    let rows = members.iter().map(|member| row(workspace, member));
    let head = "| crate | layer | what it is | uses |\n|---|---|---|---|\n".to_owned();
    std::iter::once(head).chain(rows).collect()
}

fn row(workspace: &Workspace, member: &Member) -> String {
    let place = member.dir.strip_prefix(&workspace.root);
    let uses: Vec<&str> =
        member.workspace_deps(workspace, DepKind::Normal).iter().map(|dep| dep.name.as_str()).collect();
    format!(
        "| `{}` | {} | {} | {} |\n",
        place.unwrap_or(&member.dir).display(),
        member.layer.map_or("?".to_owned(), |layer| layer.to_string()),
        member.description.replace('|', "\\|").replace('\n', " "),
        if uses.is_empty() { "–".to_owned() } else { uses.join(", ") },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dep;

    fn workspace() -> Workspace {
        let member = |name: &str, layer, deps: &[&str]| Member {
            name: name.to_owned(),
            layer: Some(layer),
            description: format!("The {name}."),
            dir: format!("/w/crates/{name}").into(),
            deps: deps
                .iter()
                .map(|dep| Dep { name: (*dep).to_owned(), kind: DepKind::Normal, has_version: true })
                .collect(),
            ..Member::default()
        };
        Workspace {
            root: "/w".into(),
            members: vec![
                member("broker", 2, &["trie", "codec", "serde"]),
                member("codec", 0, &[]),
                member("trie", 0, &[]),
            ],
        }
    }

    #[test]
    fn rows_go_from_the_lowest_layer_up() {
        let expected = "\
| crate | layer | what it is | uses |
|---|---|---|---|
| `crates/codec` | 0 | The codec. | – |
| `crates/trie` | 0 | The trie. | – |
| `crates/broker` | 2 | The broker. | codec, trie |
";
        assert_eq!(table(&workspace()), expected);
    }
}
