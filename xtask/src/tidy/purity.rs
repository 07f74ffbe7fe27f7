//! What each crate keeps out of its code: drivers, sockets, clocks, the environment, the terminal.

use super::Finding;
use super::tree::{RustFile, Tree};

/// Modules of the core that take time, randomness and bytes as arguments and return decisions.
const PURE: &[&str] = &["value", "schema", "clock", "mapping", "change", "resolve"];

/// Crates whose binary is the terminal's end of the product; every other crate is a library.
const PROGRAMS: &[&str] = &["syncline-cli", "xtask"];

/// Crates that may ask the environment: the programs, and the harness that starts servers.
const ASK_ENVIRONMENT: &[&str] = &["syncline-cli", "syncline-testkit", "xtask"];

/// Paths that some code may not name.
///
/// A path of one word is a crate; a longer one is found wherever it stands inside a path, so that
/// `time::Instant::now` is caught behind `use std::time` too.
struct Ban {
    applies: fn(&RustFile) -> bool,
    who: &'static str,
    paths: &'static [&'static str],
}

const BANS: &[Ban] = &[
    Ban {
        applies: pure,
        who: "a pure module of the core",
        paths: &["tokio", "rand", "time::SystemTime", "Instant::now", "std::env", "std::fs", "std::net"],
    },
    Ban {
        applies: core,
        who: "the core",
        paths: &[
            "rusqlite",
            "tokio_postgres",
            "mysql_async",
            "std::net",
            "std::env",
            "SystemTime::now",
            "Instant::now",
        ],
    },
    Ban { applies: asks_nobody, who: "a library crate", paths: &["std::env"] },
];

/// Macros that write to the terminal, which belongs to the programs.
const PRINTING: &[&str] = &["println", "eprintln", "print", "eprint", "dbg"];

/// The core is pure, and libraries neither print nor read the environment.
pub(super) fn purity(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|file| file.path.starts_with("crates/") && !file.test && !is_build_script(file))
        .flat_map(|file| {
            let mut findings = paths(file);
            findings.extend(printing(file));
            findings
        })
        .collect()
}

fn paths(file: &RustFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for mention in &file.facts.mentions {
        // One finding per mention: the narrowest rule comes first and says most.
        let broken = BANS.iter().filter(|ban| (ban.applies)(file)).find_map(|ban| {
            let path = ban.paths.iter().find(|path| names(&mention.path, path))?;
            Some(format!("{} may not use `{path}`", ban.who))
        });
        findings.extend(broken.map(|message| Finding::new(&file.path, mention.line, message)));
    }
    findings
}

fn printing(file: &RustFile) -> Vec<Finding> {
    // The testkit prints what a proof has counted; it is only ever linked into tests.
    if PROGRAMS.contains(&file.krate.as_str()) || file.krate == "syncline-testkit" {
        return Vec::new();
    }
    file.facts
        .macros
        .iter()
        .filter(|call| !call.test && PRINTING.contains(&call.name.as_str()))
        .map(|call| {
            let message = format!("a library crate may not use `{}!`", call.name);
            Finding::new(&file.path, call.line, message)
        })
        .collect()
}

fn names(path: &[String], banned: &str) -> bool {
    let banned: Vec<&str> = banned.split("::").collect();
    if banned.len() == 1 {
        path.first().is_some_and(|first| first == banned[0])
    } else {
        path.windows(banned.len()).any(|window| window == banned)
    }
}

fn core(file: &RustFile) -> bool {
    file.krate == "syncline-core"
}

fn pure(file: &RustFile) -> bool {
    core(file) && file.module.first().is_some_and(|module| PURE.contains(&module.as_str()))
}

fn asks_nobody(file: &RustFile) -> bool {
    !ASK_ENVIRONMENT.contains(&file.krate.as_str())
}

/// A build script speaks to cargo by printing and by its environment; there is no other way.
fn is_build_script(file: &RustFile) -> bool {
    file.path == format!("crates/{}/build.rs", file.krate)
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    fn check_one(path: &str, source: &str) -> Vec<String> {
        let path = format!("crates/{path}");
        findings(purity, &[(&path, source)])
            .iter()
            .filter_map(|found| found.split_once(": ").map(|(_, message)| message.to_owned()))
            .collect()
    }

    #[test]
    fn a_pure_module_knows_no_world() {
        for (source, banned) in [
            ("use tokio::sync::Mutex;", "tokio"),
            ("use rand;", "rand"),
            ("use std::time::{Duration, SystemTime};", "time::SystemTime"),
            ("use std::time; fn f() { time::Instant::now(); }", "Instant::now"),
            ("fn f() { std::env::var(\"A\"); }", "std::env"),
            ("fn f() { vec![std::fs::read(p)]; }", "std::fs"),
            ("fn f(_: std::net::IpAddr) {}", "std::net"),
        ] {
            assert_eq!(
                check_one("syncline-core/src/clock/hlc.rs", source),
                [format!("a pure module of the core may not use `{banned}`")]
            );
        }
    }

    #[test]
    fn the_core_has_no_driver_socket_or_clock() {
        for (source, banned) in [
            ("use rusqlite::Connection;", "rusqlite"),
            ("fn f() { tokio_postgres::connect(); }", "tokio_postgres"),
            ("use mysql_async;", "mysql_async"),
            ("use std::{env, mem};", "std::env"),
            ("fn f() { SystemTime::now(); }", "SystemTime::now"),
            ("fn f() { tokio::time::Instant::now(); }", "Instant::now"),
        ] {
            assert_eq!(
                check_one("syncline-core/src/pipeline.rs", source),
                [format!("the core may not use `{banned}`")]
            );
        }
    }

    #[test]
    fn what_is_not_banned_passes() {
        for (path, source) in [
            ("syncline-core/src/clock.rs", "use std::time::{Duration, Instant};"),
            ("syncline-core/src/value.rs", "fn f(rand: u8) -> u8 { rand }"),
            ("syncline-core/src/value.rs", "#[cfg(test)] mod tests { use std::fs; }"),
            ("syncline-core/src/pipeline.rs", "use tokio::select; use std::fs;"),
            ("syncline-core/tests/it/main.rs", "fn f() { std::env::temp_dir(); }"),
            ("syncline-stores/src/sqlite/connect.rs", "use rusqlite::Connection;"),
            ("syncline-cli/src/main.rs", "fn f() { println!(); std::env::args(); }"),
            ("syncline-cli/build.rs", "fn main() { println!(\"cargo::rerun-if-changed=x\"); }"),
            ("syncline-testkit/src/server.rs", "fn f() { std::env::var(\"A\"); println!(); }"),
        ] {
            assert_eq!(check_one(path, source), [""; 0], "{path}: {source}");
        }
    }

    #[test]
    fn libraries_neither_print_nor_ask_the_environment() {
        for (source, message) in [
            ("fn f() { println!(\"x\"); }", "`println!`"),
            ("fn f() { std::eprint!(\"x\"); }", "`eprint!`"),
            ("fn f() { tokio::select! { _ = a => dbg!(a) } }", "`dbg!`"),
            ("use std::env::var;", "`std::env`"),
        ] {
            let found = check_one("syncline-stores/src/lib.rs", source);
            assert_eq!(found, [format!("a library crate may not use {message}")]);
        }
    }
}
