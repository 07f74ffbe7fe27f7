use proptest::prelude::*;

use super::*;

fn checked(text: &str) -> Checked {
    check(text.as_bytes(), Path::new("/base"))
}

/// The places and reports of what is wrong.
fn wrong(text: &str) -> Vec<String> {
    let told = |problem: &Problem| format!("{}:{} {}", problem.line, problem.column, problem.what);
    checked(text).problems.iter().map(told).collect()
}

const SOUND: &str = r#"# ours
version = 1

[connections.hq]
url = "postgres://app:${env:PW}@db1/shop" # there
protected = true

[connections.branch]
url = 'sqlite:./branch.db'
"#;

#[test]
fn a_sound_file_has_its_connections_in_order() {
    let read = |text: &str| {
        let Checked { problems, connections } = checked(text);
        assert!(problems.is_empty(), "{problems:?}");
        let told = |it: &Parsed| format!("{} {} {} {}", it.name, it.line, it.url.shown(), it.is_protected);
        connections.iter().map(told).collect::<Vec<_>>()
    };
    let expected = ["hq 4 postgres://app:${env:PW}@db1/shop true", "branch 8 sqlite:./branch.db false"];
    assert_eq!(read(SOUND), expected);
    assert_eq!(read(&SOUND.replace('\n', "\r\n")), expected);
    assert_eq!(read(&format!("\u{feff}{SOUND}")), expected);
    assert_eq!(read("version = 1"), [""; 0]);
    let inline = "version = 1\nconnections = { a = { url = 'a.db' }, b = { url = 'b.db', protected = true } }";
    assert_eq!(read(inline), ["a 2 a.db false", "b 2 b.db true"]);
    assert_eq!(read("connections.a.url = 'a.db'\nversion = 0x1")[..], ["a 1 a.db false"]);
    assert_eq!(read("version = 1\n[connections.\"a\"]\nurl = \"\"\"\na.db\"\"\""), ["a 2 a.db false"]);
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let text = r#"version = 2
conections = 1
[connections.hq]
ulr = "a.db"
protected = "yes"
[connections."my db"]
url = "a.db"
[connections.b]
url = "nowhere"
[connections.c]
url = 3
"#;
    let expected = [
        "1:11 version is not 1",
        "2:1 \"conections\" is no key that is known",
        "3:14 connections.hq.url is missing",
        "4:1 \"connections.hq.ulr\" is no key that is known",
        "5:13 connections.hq.protected is not true or false",
        "6:14 \"my db\" cannot be the name of a connection",
        "9:7 connections.b.url names no database",
        "11:7 connections.c.url is not text in quotes",
    ];
    assert_eq!(wrong(text), expected);
    let next: Vec<String> = checked(text).problems.into_iter().map(|problem| problem.next).collect();
    assert_eq!(next[1], "write connections, if that is meant");
    assert_eq!(next[3], "write url, if that is meant");
    assert_eq!(wrong(""), ["1:1 version is missing"]);
    assert_eq!(wrong("version = 1\n[[connections]]\nurl = 'a.db'")[0].split(' ').next(), Some("2:1"));
}

#[test]
fn what_is_no_toml_is_told_by_line() {
    for (text, at) in [
        ("version = 1\n[connections.a\nurl = 'a.db'\n", "2:"),
        ("version = 1\nversion = 1\n", "2:1"),
        ("version = 1\n[connections.a]\nurl = 'a.db'\nurl = 'b.db'\n", "4:1"),
        ("version = 1\n[connections.a]\nurl = 'a.db'\n[connections.a]\nurl = 'b.db'\n", "4:"),
        ("version = 1\nnul = '\0'\n", "2:"),
        ("version = 1\nx = \"no end\n", "2:"),
        ("version = 1\rx = 1\n", "1:"),
        ("SQLite format 3\0", "1:"),
    ] {
        let found = wrong(text);
        assert!(found.first().is_some_and(|first| first.starts_with(at)), "{text:?}: {found:?}");
    }
    let Checked { problems, .. } = check(b"version = 1\nx = '\xff'\n", Path::new("/"));
    assert_eq!((problems[0].line, problems[0].column), (2, 6));
    assert_eq!(wrong("a b\nc d\nversion = 1\n").len(), 2, "one for each line");
}

#[test]
fn a_hostile_file_is_refused_in_good_time() {
    let deep = "[".repeat(100_000);
    let dotted = format!("version = 1\n{}x = 1", "a.".repeat(50_000));
    let header = format!("version = 1\n[{}x]", "a.".repeat(50_000));
    for text in [format!("x = {deep}"), deep, dotted, header, "]\n".repeat(100_000), "a=1\n".repeat(50_000)] {
        let found = wrong(&text);
        assert!(!found.is_empty() && found.len() <= limits::CONFIG_PROBLEMS_MAX, "{}", found.len());
    }
}

#[test]
fn no_report_repeats_a_password() {
    for url in [
        "postgres://u:hunter2@h/d?foo=1",
        "postgres://u:hun/ter2@h/d",
        "user:hunter2@h",
        "postgres://u:hunter2@h:x/d",
        "postgres://u:${hunter2}@h/d",
        "postgres://u:hunter2${env:}@h/d",
    ] {
        let text = format!("version = 1\n[connections.a]\nurl = \"{url}\"\n");
        let problems = checked(&text).problems;
        assert!(!problems.is_empty() && !format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
    let broken = checked("version = 1\n[connections.a]\nurl = \"postgres://u:hunter2@h/d\n").problems;
    assert!(!broken.is_empty() && !format!("{broken:?}").contains("hunter2"), "{broken:?}");
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in ".{0,200}") {
        let _ = wrong(&text);
    }

    #[test]
    fn a_sound_file_with_a_byte_exchanged_is_read_or_refused(at in 0..SOUND.len(), byte: u8) {
        let mut bytes = SOUND.as_bytes().to_vec();
        bytes[at] = byte;
        let Checked { problems, connections } = check(&bytes, Path::new("/base"));
        prop_assert!(!problems.is_empty() || connections.len() <= 2);
    }
}
