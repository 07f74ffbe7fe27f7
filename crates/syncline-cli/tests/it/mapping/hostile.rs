//! Texts and names that try to be more than that. Whatever is typed, and whatever a database is called inside, SQL is made
//! of parsed conditions, quoted names and literals, so none of it can do anything but what a rule does.

use std::fs;

use crate::scene::{Said, Scene};

const SOURCE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'one'), (2, 'two');
     CREATE TABLE x (id INTEGER PRIMARY KEY); INSERT INTO x VALUES (7)";

const TARGET: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'mine'), (9, 'mine');
     CREATE TABLE x (id INTEGER PRIMARY KEY); INSERT INTO x VALUES (7)";

fn corpus() -> Vec<String> {
    let texts = [
        "1); DROP TABLE x; --",
        "1; DROP TABLE x",
        "x' OR '1'='1",
        "x\" OR \"1\"=\"1",
        "'; DELETE FROM x; --",
        "'' OR 1=1",
        "1 UNION SELECT sql FROM sqlite_master",
        "(SELECT 1 FROM x)",
        "id /* comment */ = 1",
        "id = 1 -- comment",
        "id = 1 /*",
        "load_extension('evil')",
        "randomblob(1000000000)",
        "id = ?1",
        "id = :name",
        "id = @x",
        "id = $x",
        "id = [v]",
        "id = `v`",
        "v = \u{2018}one\u{2019}",
        "v = \u{ff07}one\u{ff07}",
        "v = '\\' OR 1=1'",
        "v = 'a''' OR ''a' = 'a'",
        "v LIKE 'x' ESCAPE ''",
        "v LIKE '[[*?%_\\'",
        "v = x'27; DROP TABLE x; --'",
        "\u{202e}v = 'x'",
        "v = '\u{202e}\u{0007}\u{1b}[2J'",
        "v\u{a0}= 'x'",
        "id = 1\u{0b}OR 1=1",
        "id COLLATE evil = 1",
        "id = 1 RETURNING *",
        "id = CAST('1' AS INT)",
        "CASE WHEN 1 THEN 1 END = 1",
        "EXISTS (SELECT 1)",
        "id = -",
        "id = --1",
        "id = - - 1",
        "rowid = 1",
        "main.t.id = 1",
        "t.id = 1",
        "\"\"\"\" = 1",
        "''''''''",
        "%s%n%00",
        "\u{feff}id = 1",
        "id = 0x1F",
        "id = 1_000",
        "id = .",
        "id = 1e",
        "NULL",
        "TRUE",
        "id",
        "=",
    ];
    let mut corpus: Vec<String> = texts.into_iter().map(str::to_owned).collect();
    corpus.push("(".repeat(100_000));
    corpus.push(format!("{}id = 1{}", "(".repeat(30_000), ")".repeat(30_000)));
    corpus.push("NOT ".repeat(16_000) + "id = 1");
    corpus.push(format!("id = 1{}", " OR id = 1".repeat(6_000)));
    corpus.push(format!("v LIKE '{}'", "%_".repeat(30_000)));
    corpus.push("\"".repeat(9_999));
    corpus.push("'".repeat(9_999));
    corpus
}

/// Whether the command ended as commands do: no panic, no signal, and no words of SQLite about a syntax.
fn assert_ended_well(said: &Said, rule: &str) {
    let start: String = rule.chars().take(80).collect();
    assert!(matches!(said.code, Some(0 | 2 | 6 | 7)), "{start}: {:?}\n{}{}", said.code, said.out, said.err);
    for words in ["syntax error", "no such", "unrecognized token", "INTERNAL", "STORE_FAILED", "panicked"] {
        assert!(!said.err.contains(words), "{start}: {}", said.err);
    }
}

fn assert_sound(scene: &Scene, before: &[u8]) {
    assert!(fs::read(scene.path("a.db")).unwrap() == before, "the source was written to");
    assert_eq!(scene.rows("b.db", "SELECT id FROM x"), ["7"]);
    assert_eq!(scene.rows("b.db", "SELECT name FROM sqlite_master ORDER BY name"), ["t", "x"]);
    // No rule of the corpus lets these two take part, be it understood or not.
    assert_eq!(scene.rows("b.db", "SELECT v FROM t WHERE id IN (1, 9)"), ["mine", "mine"]);
}

#[test]
fn filters_are_conditions_and_nothing_else() {
    let scene = Scene::with_pair(SOURCE, TARGET);
    let before = fs::read(scene.path("a.db")).unwrap();
    for text in corpus() {
        for rule in [format!("t: {text}"), format!("t: id = 2 AND {text}"), text.clone(), format!("{text}: id = 2")] {
            // A copy, because a filter that everything satisfies would let a mirror delete, and rightly so.
            let said = scene.run_with("copy a.db b.db --tables t", &["--where", "x: id = 7", "--where", &rule]);
            assert_ended_well(&said, &rule);
            if said.out.contains("undo: ") {
                scene.ok("undo --yes");
            }
        }
    }
    assert_sound(&scene, &before);
}

#[test]
fn names_are_names() {
    // These two mean something as a column and as a mask.
    let meant = ["id", "NULL"];
    for text in corpus().into_iter().filter(|text| text.len() < 1_000 && !meant.contains(&text.as_str())) {
        let scene = Scene::with_pair(SOURCE, TARGET);
        let before = fs::read(scene.path("a.db")).unwrap();
        let quoted = format!("\"{}\"", text.replace('"', "\"\""));
        let wrong = [
            ["--columns".to_owned(), format!("t: id, {text}, {quoted}")],
            ["--columns".to_owned(), format!("{text}: id")],
            ["--mask".to_owned(), format!("t.{quoted}=fake")],
            ["--mask".to_owned(), format!("t.v={text}")],
            ["--rename".to_owned(), format!("t.{quoted}=y")],
            ["--rename".to_owned(), format!("{quoted}.v=y")],
        ];
        for [flag, rule] in &wrong {
            let said = scene.run_with("mirror a.db b.db", &[flag, rule]);
            assert_ended_well(&said, rule);
            assert_eq!(said.code, Some(2), "{rule}");
        }
        assert_sound(&scene, &before);
        // As a new name, every text is as good as another.
        let rules = ["--rename", &format!("t={quoted}"), "--rename", &format!("t.v={quoted}")];
        scene.ok_with("copy a.db b.db", &rules);
        let made = scene.rows("b.db", "SELECT name FROM sqlite_master WHERE name NOT IN ('t', 'x')");
        assert_eq!(made, [text.as_str()]);
        assert_eq!(scene.run("verify").code, Some(0), "{text}");
        scene.ok("undo --yes");
        assert_sound(&scene, &before);
    }
}

#[test]
fn a_text_that_hides_a_value_is_only_text() {
    let scene = Scene::with_pair(SOURCE, "");
    for text in corpus().into_iter().filter(|text| text.len() < 10_000) {
        scene.ok_with("mirror a.db b.db", &["--mask", &format!("t.v=text:{text}")]);
        assert_eq!(scene.rows("b.db", "SELECT v FROM t"), [text.as_str(), &text]);
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM x"), 1);
    }
}

#[test]
fn hostile_names_inside_a_database_are_only_names() {
    for name in ["x\"; DROP TABLE x; --", "a'b", "a.b=c: d, !e", "select", " ", "\u{1b}[2J", "[x]", "`x`", "%"] {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let table = format!("CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, {quoted} TEXT, gone)");
        let scene = Scene::with_pair(
            &format!(
                "{table}; INSERT INTO {quoted} VALUES (1, 'a', 2), (2, 'b', 2); CREATE TABLE x (id INTEGER PRIMARY KEY)"
            ),
            "CREATE TABLE x (id INTEGER PRIMARY KEY)",
        );
        let rules = [
            "--where",
            &format!("{quoted}: {quoted} = 'b' OR {quoted} LIKE 'z%'"),
            "--columns",
            &format!("{quoted}: !gone"),
            "--rename",
            &format!("{quoted}.{quoted}=kept"),
        ];
        scene.ok_with("copy a.db b.db", &rules);
        assert_eq!(scene.rows("b.db", &format!("SELECT id, kept FROM {quoted}")), ["2|b"], "{name}");
        assert_eq!(scene.run("verify").code, Some(0), "{name}");
        assert!(scene.ok_with("mirror a.db b.db", &rules).contains("nothing to write"));
    }
}
