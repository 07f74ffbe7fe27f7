//! The direction of dependencies between crates, and the lints every crate inherits.

use toml::de::{DeTable, DeValue};

use super::Finding;
use super::tree::Tree;

/// Every crate and the crates of this workspace that it may depend on:
/// `cli -> hub -> syncline -> {stores, transports} -> core`, never back, never sideways.
///
/// The hub and the command line stand on `syncline` alone: what they need from below it re-exports.
const CRATES: &[(&str, &[&str])] = &[
    ("syncline-core", &[]),
    ("syncline-stores", &["syncline-core"]),
    ("syncline-transports", &["syncline-core"]),
    ("syncline", &["syncline-core", "syncline-stores", "syncline-transports"]),
    ("syncline-hub", &["syncline"]),
    ("syncline-cli", &["syncline", "syncline-hub"]),
    // Everything may use it in its tests, so dev-dependencies are not looked at.
    ("syncline-testkit", &["syncline-core"]),
    ("xtask", &[]),
];

/// Dependencies between crates run in one direction.
pub(super) fn between_crates(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in manifests(tree) {
        let manifest = match Manifest::read(text) {
            Ok(manifest) => manifest,
            Err(why) => {
                findings.push(Finding::new(path, 1, format!("does not parse: {why}")));
                continue;
            }
        };
        let name = &manifest.name;
        let Some(allowed) = allowed(name) else {
            let message = format!("unknown crate `{name}`: add it to CRATES in xtask/src/tidy/manifests.rs");
            findings.push(Finding::new(path, 1, message));
            continue;
        };
        for (line, dependency) in &manifest.dependencies {
            if self::allowed(dependency).is_some() && !allowed.contains(&dependency.as_str()) {
                let message = format!("`{name}` may not depend on `{dependency}`");
                findings.push(Finding::new(path, *line, message));
            }
        }
    }
    findings
}

/// Every crate takes the lints of the workspace, which forbid unsafe code.
pub(super) fn workspace_lints(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(text) = tree.text("Cargo.toml")
        && value(text, &["workspace", "lints", "rust", "unsafe_code"]).as_deref() != Some("forbid")
    {
        let message = "[workspace.lints.rust] must say unsafe_code = \"forbid\"";
        findings.push(Finding::new("Cargo.toml", 1, message));
    }
    for (path, text) in manifests(tree) {
        if value(text, &["lints", "workspace"]).as_deref() != Some("true") {
            let message = "must say `workspace = true` under [lints]";
            findings.push(Finding::new(path, 1, message));
        }
    }
    findings
}

fn manifests(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.texts().filter(|(path, _)| {
        let parts: Vec<_> = path.split('/').collect();
        matches!(parts[..], ["crates", _, "Cargo.toml"] | ["xtask", "Cargo.toml"])
    })
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    let (_, allowed) = CRATES.iter().find(|(known, _)| *known == name)?;
    Some(allowed)
}

/// What the rule reads of one manifest.
struct Manifest {
    name: String,
    /// Crates it depends on, for every target and for its build script, with the line of each.
    dependencies: Vec<(usize, String)>,
}

impl Manifest {
    fn read(text: &str) -> Result<Self, String> {
        let manifest = DeTable::parse(text).map_err(|error| error.message().to_owned())?;
        let manifest = manifest.get_ref();
        let name = table(manifest, "package")
            .and_then(|package| package.get("name"))
            .and_then(|name| name.get_ref().as_str())
            .ok_or("no package name")?;
        let mut dependencies = Vec::new();
        collect(text, manifest, &mut dependencies);
        for target in table(manifest, "target").into_iter().flatten() {
            if let DeValue::Table(target) = target.1.get_ref() {
                collect(text, target, &mut dependencies);
            }
        }
        Ok(Self { name: name.to_owned(), dependencies })
    }
}

/// Adds the dependencies that `holder` lists for the crate and for its build script.
fn collect(text: &str, holder: &DeTable<'_>, dependencies: &mut Vec<(usize, String)>) {
    for kind in ["dependencies", "build-dependencies"] {
        for (key, value) in table(holder, kind).into_iter().flatten() {
            // `alias = { package = "name" }` hides the crate behind another name.
            let package = match value.get_ref() {
                DeValue::Table(table) => table.get("package").and_then(|p| p.get_ref().as_str()),
                _ => None,
            };
            let name = package.unwrap_or(key.get_ref());
            dependencies.push((line_at(text, key.span().start), name.to_owned()));
        }
    }
}

fn table<'a, 'b>(holder: &'a DeTable<'b>, key: &str) -> Option<&'a DeTable<'b>> {
    match holder.get(key)?.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// Returns the string or boolean at `path` as text.
fn value(text: &str, path: &[&str]) -> Option<String> {
    let manifest: toml::Table = text.parse().ok()?;
    let (last, parents) = path.split_last()?;
    let mut holder = &manifest;
    for parent in parents {
        holder = holder.get(*parent)?.as_table()?;
    }
    match holder.get(*last)? {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Returns the line of the byte `offset`, counted from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}\n")
    }

    fn directions(path: &str, name: &str, rest: &str) -> Vec<String> {
        findings(between_crates, &[(path, &manifest(name, rest))])
    }

    #[test]
    fn dependencies_downwards_pass() {
        for (name, dependency) in [
            ("syncline-stores", "syncline-core"),
            ("syncline", "syncline-transports"),
            ("syncline-hub", "syncline"),
            ("syncline-cli", "syncline-hub"),
            ("syncline-testkit", "syncline-core"),
            ("xtask", "anyhow"),
        ] {
            let rest = format!("[dependencies]\n{dependency}.workspace = true");
            assert_eq!(directions("crates/x/Cargo.toml", name, &rest), [""; 0]);
        }
    }

    #[test]
    fn dependencies_back_and_sideways_are_found() {
        for (name, dependency) in [
            ("syncline-core", "syncline-stores"),
            ("syncline-stores", "syncline-transports"),
            ("syncline", "syncline-hub"),
            ("syncline-cli", "syncline-core"),
            ("syncline-testkit", "syncline"),
            ("syncline", "syncline-testkit"),
            ("syncline", "xtask"),
        ] {
            let rest = format!("[dependencies]\nserde = \"1\"\n{dependency}.workspace = true");
            assert_eq!(
                directions("crates/x/Cargo.toml", name, &rest),
                [format!("crates/x/Cargo.toml:5: `{name}` may not depend on `{dependency}`")]
            );
        }
    }

    #[test]
    fn renamed_target_and_build_dependencies_count() {
        let rest = "[dependencies]\nc = { package = \"syncline\" }\n[build-dependencies]\nsyncline-cli.workspace = true\n[target.'cfg(unix)'.dependencies]\nsyncline-hub.workspace = true";
        assert_eq!(directions("xtask/Cargo.toml", "xtask", rest).len(), 3);
    }

    #[test]
    fn tests_may_use_the_testkit() {
        let rest = "[dev-dependencies]\nsyncline-testkit.workspace = true";
        let found = directions("crates/x/Cargo.toml", "syncline-core", rest);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn an_unknown_crate_is_asked_for() {
        let found = directions("crates/new/Cargo.toml", "syncline-new", "");
        assert_eq!(
            found,
            ["crates/new/Cargo.toml:1: unknown crate `syncline-new`: add it to CRATES in xtask/src/tidy/manifests.rs"]
        );
    }

    #[test]
    fn the_table_has_no_way_back() {
        // Each crate may use only crates that stand before it, or the testkit would be a way round.
        for (at, (name, allowed)) in CRATES.iter().enumerate() {
            for dependency in *allowed {
                let before = CRATES[..at].iter().any(|(known, _)| known == dependency);
                assert!(before, "{name} -> {dependency}");
            }
        }
    }

    #[test]
    fn every_crate_takes_the_lints_of_the_workspace() {
        let root = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
        let good = manifest("syncline", "[lints]\nworkspace = true");
        let bad = manifest("syncline", "[lints.rust]\nunsafe_code = \"allow\"");
        let files = |crate_manifest| {
            findings(workspace_lints, &[("Cargo.toml", root), ("crates/syncline/Cargo.toml", crate_manifest)])
        };
        assert_eq!(files(&good), [""; 0]);
        assert_eq!(files(&bad), ["crates/syncline/Cargo.toml:1: must say `workspace = true` under [lints]"]);
        let weak = "[workspace.lints.rust]\nunsafe_code = \"warn\"\n";
        assert_eq!(findings(workspace_lints, &[("Cargo.toml", weak)]).len(), 1);
    }
}
