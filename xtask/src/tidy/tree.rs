//! The tracked files, and what each Rust file among them says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::facts::{self, Facts};

/// All tracked text files, by their path from the root with `/` between folders.
pub(crate) struct Tree {
    texts: BTreeMap<String, String>,
    rust: Vec<RustFile>,
    unreadable: Vec<(String, usize, String)>,
}

/// One Rust file.
pub(crate) struct RustFile {
    pub(crate) path: String,
    /// The folder of its crate: `syncline-core`, `xtask`.
    pub(crate) krate: String,
    /// Its module path in the crate: `["value", "exact"]`; empty for the crate's root.
    pub(crate) module: Vec<String>,
    /// Lines, its inline tests not counted.
    pub(crate) lines: usize,
    /// Whether all of it is test code: it lies under `tests/` or `benches/`, or a parent declares
    /// it under `#[cfg(test)]`.
    pub(crate) test: bool,
    pub(crate) facts: Facts,
}

impl Tree {
    /// Reads the files that git tracks or would track.
    pub(crate) fn tracked(root: &Path) -> Result<Self> {
        let mut texts = BTreeMap::new();
        for path in tracked_paths(root)? {
            let file = root.join(&path);
            // A file that was deleted but not yet staged is still listed; links point elsewhere.
            if !file.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
                continue;
            }
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {path}"))?;
            // What is not text is a fixture or an image: no rule speaks about it.
            if let Ok(text) = String::from_utf8(bytes) {
                texts.insert(path, text);
            }
        }
        Ok(Self::new(texts))
    }

    /// Builds a tree from texts.
    #[cfg(test)]
    pub(crate) fn from_texts(files: &[(&str, &str)]) -> Self {
        Self::new(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    /// Returns every text file as path and text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Returns the text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Returns every Rust file that parses.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &RustFile> {
        self.rust.iter()
    }

    /// Returns every Rust file that does not parse, with line and reason.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = (&str, usize, &str)> {
        self.unreadable.iter().map(|(path, line, why)| (path.as_str(), *line, why.as_str()))
    }

    fn new(texts: BTreeMap<String, String>) -> Self {
        let mut rust = Vec::new();
        let mut unreadable = Vec::new();
        for (path, text) in &texts {
            if !path.ends_with(".rs") {
                continue;
            }
            match RustFile::read(path, text) {
                Ok(file) => rust.push(file),
                Err(error) => {
                    let line = error.span().start().line;
                    unreadable.push((path.clone(), line, error.to_string()));
                }
            }
        }
        mark_test_modules(&mut rust);
        Self { texts, rust, unreadable }
    }
}

impl RustFile {
    fn read(path: &str, text: &str) -> syn::Result<Self> {
        let (krate, inside) = place(path);
        let module = module_path(inside);
        let facts = facts::gather(text, &module)?;
        Ok(Self {
            path: path.to_owned(),
            krate: krate.to_owned(),
            lines: text.lines().count() - facts.test_lines,
            test: inside.starts_with("tests/") || inside.starts_with("benches/"),
            module,
            facts,
        })
    }
}

fn tracked_paths(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        // In a container the clone often belongs to another user; listing its files is harmless.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot start git, which lists the tracked files")?;
    ensure!(
        output.status.success(),
        "git cannot list the tracked files: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let listing = String::from_utf8(output.stdout).context("a tracked path is not UTF-8")?;
    let paths: BTreeSet<String> = listing.split_terminator('\0').map(str::to_owned).collect();
    Ok(paths.into_iter().collect())
}

/// Splits a path into the folder of its crate and the path inside the crate.
fn place(path: &str) -> (&str, &str) {
    let inside = path.strip_prefix("crates/").unwrap_or(path);
    inside.split_once('/').unwrap_or(("", inside))
}

fn module_path(inside: &str) -> Vec<String> {
    let Some(stem) = inside.strip_prefix("src/").and_then(|file| file.strip_suffix(".rs")) else {
        return Vec::new();
    };
    let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
    let last = module.last().map(String::as_str);
    if last == Some("mod") || module == ["lib"] || module == ["main"] {
        module.pop();
    }
    module
}

/// Marks the files of modules that a parent declares under `#[cfg(test)]`.
fn mark_test_modules(files: &mut [RustFile]) {
    let declared: BTreeSet<(String, Vec<String>)> = files
        .iter()
        .flat_map(|file| {
            let krate = &file.krate;
            let modules = file.facts.test_modules.iter();
            modules.map(move |module| (krate.clone(), module.clone()))
        })
        .collect();
    for file in files {
        let within = |(krate, module): &(String, Vec<String>)| *krate == file.krate && file.module.starts_with(module);
        if declared.iter().any(within) {
            file.test = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file<'a>(tree: &'a Tree, path: &str) -> &'a RustFile {
        tree.rust().find(|file| file.path == path).expect("the file is in the tree")
    }

    #[test]
    fn a_path_tells_crate_and_module() {
        let tree = Tree::from_texts(&[
            ("crates/syncline-core/src/lib.rs", ""),
            ("crates/syncline-core/src/value.rs", ""),
            ("crates/syncline-core/src/value/exact.rs", ""),
            ("crates/syncline-core/src/apply/mod.rs", ""),
            ("xtask/src/main.rs", ""),
        ]);
        let module = |path| file(&tree, path).module.join("::");
        assert_eq!(module("crates/syncline-core/src/lib.rs"), "");
        assert_eq!(module("crates/syncline-core/src/value.rs"), "value");
        assert_eq!(module("crates/syncline-core/src/value/exact.rs"), "value::exact");
        assert_eq!(module("crates/syncline-core/src/apply/mod.rs"), "apply");
        assert_eq!(file(&tree, "xtask/src/main.rs").krate, "xtask");
    }

    #[test]
    fn test_code_is_known_by_folder_and_by_declaration() {
        let tree = Tree::from_texts(&[
            ("crates/a/src/lib.rs", "mod plan;\n#[cfg(test)]\nmod world;"),
            ("crates/a/src/plan.rs", "#[cfg(test)]\nmod tests;"),
            ("crates/a/src/plan/tests.rs", ""),
            ("crates/a/src/plan/tests/deep.rs", ""),
            ("crates/a/src/world.rs", ""),
            ("crates/a/tests/it/main.rs", ""),
            ("crates/a/benches/batch.rs", ""),
            ("crates/b/src/world.rs", ""),
        ]);
        let test: Vec<_> = tree.rust().filter(|f| f.test).map(|f| &f.path).collect();
        assert_eq!(
            test,
            [
                "crates/a/benches/batch.rs",
                "crates/a/src/plan/tests.rs",
                "crates/a/src/plan/tests/deep.rs",
                "crates/a/src/world.rs",
                "crates/a/tests/it/main.rs",
            ]
        );
    }

    #[test]
    fn lines_do_not_count_inline_tests() {
        let source = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n";
        let tree = Tree::from_texts(&[("crates/a/src/lib.rs", source)]);
        assert_eq!(file(&tree, "crates/a/src/lib.rs").lines, 2);
    }

    #[test]
    fn tracked_files_are_those_git_knows_or_would_know() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        let init = Command::new("git").args(["init", "--quiet"]).current_dir(root).status()?;
        assert!(init.success());
        std::fs::create_dir_all(root.join("src"))?;
        std::fs::write(root.join(".gitignore"), "/target\n")?;
        std::fs::write(root.join("target"), "built\n")?;
        std::fs::write(root.join("src/a b.txt"), "text\n")?;
        std::fs::write(root.join("image.png"), [0x89, 0xff, 0x00])?;
        let tree = Tree::tracked(root)?;
        let paths: Vec<_> = tree.texts().map(|(path, _)| path).collect();
        assert_eq!(paths, [".gitignore", "src/a b.txt"]);
        Ok(())
    }
}
