//! What crates that may be published have to say of themselves, so that `cargo package` finds no fault with them
//! and whoever comes across one knows what it is.

use crate::workspace::{Dep, DepKind, Member, Package, Workspace};

/// What the names of crates begin with that are of no use without the server. What they do is said by the rest of
/// the name, which as a rule is another's on crates.io: cargo would take that one for ours.
const OWN_PREFIX: &str = "buster";

/// Crates that are of use to others on their own.
pub(crate) fn alone(workspace: &Workspace) -> impl Iterator<Item = &Package> {
    published(workspace).map(|member| &member.package).filter(|package| !package.name.starts_with(OWN_PREFIX))
}

pub(crate) fn published(workspace: &Workspace) -> impl Iterator<Item = &Member> {
    workspace.members.iter().filter(|member| member.package.is_published)
}

/// Everything that is missing.
pub(crate) fn problems(workspace: &Workspace) -> Vec<String> {
    let mut problems = Vec::new();
    for member in published(workspace) {
        problems.extend(problems_of(workspace, member));
        let missing = ["README.md", "LICENSE"].into_iter().filter(|name| !member.dir.join(name).is_file());
        problems.extend(missing.map(|name| format!("{} has no {name}", member.name)));
    }
    problems
}

fn problems_of(workspace: &Workspace, member: &Member) -> Vec<String> {
    let package = &member.package;
    let said = [
        ("description", !member.description.is_empty()),
        ("license", package.license),
        ("repository", package.repository),
        ("readme", package.readme.is_some()),
    ];
    let unsaid = said.into_iter().filter(|(_, is_there)| !is_there);
    let mut problems: Vec<String> =
        unsaid.map(|(what, _)| format!("{} has no {what}", member.name)).collect();
    problems.extend(member.deps.iter().filter_map(|dep| problem_with(workspace, member, dep)));
    problems
}

/// A path means nothing to whoever gets the package. Without a version cargo leaves it out of what tests need, and
/// refuses the rest.
fn problem_with(workspace: &Workspace, member: &Member, dep: &Dep) -> Option<String> {
    let other = workspace.member(&dep.name)?;
    let (name, other_name) = (&member.name, &other.name);
    if !dep.has_version {
        return (dep.kind != DepKind::Dev).then(|| format!("{name} names no version of {other_name}"));
    }
    (!other.package.is_published)
        .then(|| format!("{name} uses {other_name}, which is not published (docs/packaging.md)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, is_published: bool, deps: &[(&str, DepKind, bool)]) -> Member {
        let dep = |(name, kind, has_version): &(&str, DepKind, bool)| Dep {
            name: (*name).to_owned(),
            kind: *kind,
            has_version: *has_version,
        };
        let package = Package {
            is_published,
            name: name.to_owned(),
            license: true,
            repository: true,
            readme: Some("README.md".into()),
        };
        let description = "What it is.".to_owned();
        let deps = deps.iter().map(dep).collect();
        Member { name: name.to_owned(), description, deps, package, ..Member::default() }
    }

    fn said_of(members: Vec<Member>) -> Vec<String> {
        let workspace = Workspace { root: "/w".into(), members };
        published(&workspace).flat_map(|member| problems_of(&workspace, member)).collect()
    }

    #[test]
    fn what_is_published_uses_versions_of_what_is_published() {
        use DepKind::{Dev, Normal};
        let members = vec![
            member("codec", true, &[]),
            member("kit", false, &[]),
            member("buster", true, &[("codec", Normal, true), ("kit", Dev, false), ("serde", Normal, true)]),
        ];
        assert!(said_of(members).is_empty());
        let members = vec![
            member("codec", true, &[]),
            member("kit", false, &[]),
            member("buster", true, &[("codec", Normal, false), ("kit", Dev, true)]),
        ];
        let expected = [
            "buster names no version of codec",
            "buster uses kit, which is not published (docs/packaging.md)",
        ];
        assert_eq!(said_of(members), expected);
    }

    #[test]
    fn what_is_not_said_is_named() {
        let mut codec = member("codec", true, &[]);
        codec.description.clear();
        codec.package.readme = None;
        assert_eq!(said_of(vec![codec]), ["codec has no description", "codec has no readme"]);
    }

    #[test]
    fn crates_of_the_server_are_of_no_use_alone() {
        let members =
            vec![member("buster-fabric", true, &[]), member("codec", true, &[]), member("kit", false, &[])];
        let workspace = Workspace { root: "/w".into(), members };
        assert!(alone(&workspace).map(|package| package.name.as_str()).eq(["codec"]));
    }
}
