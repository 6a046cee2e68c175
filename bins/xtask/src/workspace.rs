//! The workspace as `cargo metadata --no-deps` tells it, reduced to what the chores ask about.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::run;

/// Every crate of the workspace, sorted by name.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) members: Vec<Member>,
}

#[derive(Debug, Default)]
pub(crate) struct Member {
    /// The folder's, which the code goes by too. Packages of the server have longer names: see [`Package`].
    pub(crate) name: String,
    /// `package.metadata.layer`; `None` when it is missing or not a small whole number.
    pub(crate) layer: Option<u8>,
    pub(crate) description: String,
    pub(crate) dir: PathBuf,
    /// Where the library's root file is; `None` for a crate of binaries only.
    pub(crate) lib_path: Option<PathBuf>,
    pub(crate) bin_names: Vec<String>,
    /// The root files of the library and of all binaries.
    pub(crate) root_files: Vec<PathBuf>,
    pub(crate) has_benches: bool,
    /// Dependencies of all kinds, on our own crates and on others'.
    pub(crate) deps: Vec<Dep>,
    pub(crate) package: Package,
}

/// The part of a member that others see.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) is_published: bool,
    /// As cargo knows it.
    pub(crate) name: String,
    pub(crate) license: bool,
    pub(crate) repository: bool,
    pub(crate) readme: Option<PathBuf>,
}

#[derive(Debug)]
pub(crate) struct Dep {
    /// Of ours the folder's name, of others' the package's real one, whatever it is renamed to.
    pub(crate) name: String,
    pub(crate) kind: DepKind,
    /// Whether it says which version, beside where it is.
    pub(crate) has_version: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DepKind {
    Normal,
    Dev,
    Build,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        Self::load_manifest(None)
    }

    /// Loads the workspace of `manifest`, or the one of the current directory.
    pub(crate) fn load_manifest(manifest: Option<&Path>) -> Result<Self> {
        let mut command = Command::new("cargo");
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        if let Some(path) = manifest {
            command.arg("--manifest-path").arg(path);
        }
        Self::parse(&run::output_of(&mut command)?)
    }

    fn parse(metadata: &str) -> Result<Self> {
        let metadata: Value = serde_json::from_str(metadata).context("cargo metadata")?;
        let packages = metadata["packages"].as_array().context("no `packages`")?;
        let mut members = packages.iter().map(member).collect::<Result<Vec<_>>>()?;
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { root: text(&metadata, "workspace_root")?.into(), members })
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

impl Member {
    /// The crates of `workspace` this one depends on, sorted, each once.
    pub(crate) fn workspace_deps<'a>(&'a self, workspace: &'a Workspace, kind: DepKind) -> Vec<&'a Self> {
        let mut found: Vec<&Self> = self
            .deps
            .iter()
            .filter(|dep| dep.kind == kind)
            .filter_map(|dep| workspace.member(&dep.name))
            .collect();
        found.sort_by_key(|member| &member.name);
        found.dedup_by_key(|member| &member.name);
        found
    }
}

fn member(package: &Value) -> Result<Member> {
    let manifest = PathBuf::from(text(package, "manifest_path")?);
    let dir = manifest.parent().context("manifest without a directory")?.to_owned();
    let name = folder(&dir)?;
    let targets = package["targets"].as_array().context("no `targets`")?;
    let of_kind = |kind: &'static str| targets.iter().filter(move |target| is_kind(target, kind));
    let source = |target: &Value| target["src_path"].as_str().map(PathBuf::from);
    Ok(Member {
        layer: package["metadata"]["layer"].as_u64().and_then(|layer| u8::try_from(layer).ok()),
        description: package["description"].as_str().unwrap_or("").to_owned(),
        dir,
        lib_path: of_kind("lib").find_map(source),
        bin_names: of_kind("bin").filter_map(|target| target["name"].as_str()).map(str::to_owned).collect(),
        root_files: of_kind("lib").chain(of_kind("bin")).filter_map(source).collect(),
        has_benches: of_kind("bench").next().is_some(),
        deps: deps(package).with_context(|| format!("dependencies of {name}"))?,
        package: Package {
            // Either nowhere, or anywhere.
            is_published: package["publish"].is_null(),
            name: text(package, "name")?,
            license: package["license"].is_string(),
            repository: package["repository"].is_string(),
            readme: package["readme"].as_str().map(PathBuf::from),
        },
        name,
    })
}

fn folder(dir: &Path) -> Result<String> {
    let name = dir.file_name().context("a crate in no folder")?;
    Ok(name.to_string_lossy().into_owned())
}

fn is_kind(target: &Value, kind: &str) -> bool {
    target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind))
}

fn deps(package: &Value) -> Result<Vec<Dep>> {
    let list = package["dependencies"].as_array().context("not a list")?;
    list.iter()
        .map(|dep| {
            let kind = match dep["kind"].as_str() {
                Some("dev") => DepKind::Dev,
                Some("build") => DepKind::Build,
                _ => DepKind::Normal,
            };
            let name = match dep["path"].as_str() {
                Some(path) => folder(Path::new(path))?,
                None => text(dep, "name")?,
            };
            Ok(Dep { name, kind, has_version: dep["req"].as_str().is_some_and(|req| req != "*") })
        })
        .collect()
}

fn text(value: &Value, field: &str) -> Result<String> {
    let text = value[field].as_str();
    Ok(text.with_context(|| format!("no `{field}`"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
      "workspace_root": "/w",
      "packages": [
        {"name": "upper", "description": "Up.", "manifest_path": "/w/crates/upper/Cargo.toml",
         "metadata": {"layer": 3},
         "targets": [{"kind": ["lib"], "name": "upper", "src_path": "/w/crates/upper/src/lib.rs"},
                     {"kind": ["bench"], "name": "b", "src_path": "/w/benches/b.rs"}],
         "dependencies": [{"name": "own-lower", "kind": null, "path": "/w/crates/lower", "req": "^1"},
                          {"name": "own-lower", "kind": "dev", "path": "/w/crates/lower", "req": "*"},
                          {"name": "serde", "kind": "build", "req": "^1"}]},
        {"name": "own-lower", "publish": [], "description": null, "manifest_path": "/w/crates/lower/Cargo.toml",
         "metadata": null,
         "targets": [{"kind": ["bin"], "name": "low", "src_path": "/w/crates/lower/src/main.rs"}],
         "dependencies": []}
      ]}"#;

    #[test]
    fn metadata_is_reduced_to_members_in_name_order() {
        let workspace = Workspace::parse(METADATA).unwrap();
        let [lower, upper] = workspace.members.as_slice() else {
            panic!("two members expected");
        };
        assert_eq!((lower.name.as_str(), lower.layer), ("lower", None));
        assert_eq!(lower.bin_names, ["low"]);
        assert_eq!(lower.root_files, [Path::new("/w/crates/lower/src/main.rs")]);
        assert!(lower.lib_path.is_none() && !lower.has_benches);
        assert_eq!((upper.name.as_str(), upper.layer), ("upper", Some(3)));
        assert_eq!(upper.dir, Path::new("/w/crates/upper"));
        assert!(upper.lib_path.is_some() && upper.has_benches);
        assert_eq!((lower.package.name.as_str(), lower.package.is_published), ("own-lower", false));
        assert!(upper.package.is_published && upper.deps[0].has_version && !upper.deps[1].has_version);
    }

    #[test]
    fn workspace_deps_leave_out_other_kinds_and_other_peoples_crates() {
        let workspace = Workspace::parse(METADATA).unwrap();
        let upper = workspace.member("upper").unwrap();
        let names = |kind| {
            let deps = upper.workspace_deps(&workspace, kind);
            deps.iter().map(|dep| dep.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(DepKind::Normal), ["lower"]);
        assert_eq!(names(DepKind::Dev), ["lower"]);
        assert!(names(DepKind::Build).is_empty());
    }
}
