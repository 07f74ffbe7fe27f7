//! What befalls a log: it is noticed, and positions from before are none any more.

use super::*;

/// The reason why the log tells nothing of the time since a position.
async fn cut(store: &dyn Store, task: &TableTask, since: &LogPosition) -> Option<String> {
    match store.snapshot().await.unwrap().window(task, since).await.unwrap() {
        Window::Cut(why) => Some(why),
        Window::Empty | Window::Entries { .. } => None,
    }
}

/// What somebody does to a tracked database, and what is said of it.
const DEEDS: &[(&str, &str)] = &[
    ("DROP TRIGGER _syncline_1_insert", "definition or its triggers"),
    // A migration that saves the triggers of a table and makes them again, and writes in between.
    ("CREATE TEMP TABLE saved AS SELECT sql FROM sqlite_schema WHERE name = '_syncline_1_insert';", "RECREATE"),
    ("ALTER TABLE t ADD COLUMN extra", "definition or its triggers"),
    ("ALTER TABLE t RENAME COLUMN a TO aa", "definition or its triggers"),
    ("CREATE TRIGGER app AFTER INSERT ON t BEGIN DELETE FROM z; END", "definition or its triggers"),
    ("CREATE UNIQUE INDEX more ON t (a, id)", "definition or its triggers"),
    ("DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)", "definition or its triggers"),
    ("ALTER TABLE t RENAME TO other", "not there any more"),
    ("DROP TABLE _syncline_log_1", "its log was removed"),
    ("DELETE FROM _syncline_log_1", "its log was emptied"),
    ("DELETE FROM _syncline_log_1; INSERT INTO t VALUES (50, 1, 1), (51, 2, 2), (52, 3, 3)", "does not reach back"),
    ("VACUUM", "definition or its triggers"),
];

#[tokio::test]
async fn whatever_is_done_to_a_log_is_noticed_and_mended() {
    for (deed, said) in DEEDS {
        let desk = Desk::with("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); CREATE TABLE z (id INTEGER PRIMARY KEY)");
        let store = desk.store().await;
        store.install(&["t".to_owned(), "z".to_owned()]).await.unwrap();
        desk.other().execute_batch("INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)").unwrap();
        let (since, task) = (end(&store, "t").await, task(desk.schema().await.table("t").unwrap()));
        assert_eq!(cut(&store, &task, &since).await, None);
        let other = desk.other();
        other.execute_batch(deed).unwrap_or_else(|error| panic!("{deed}: {error}"));
        if *said == "RECREATE" {
            let sql: String = other.query_row("SELECT sql FROM saved", [], |row| row.get(0)).unwrap();
            other
                .execute_batch(&format!("DROP TRIGGER _syncline_1_insert; INSERT INTO t VALUES (9, 9, 9); {sql}"))
                .unwrap();
        }
        let why = cut(&store, &task, &since).await.unwrap_or_else(|| panic!("{deed} was not noticed"));
        assert!(why.contains(said) || *said == "RECREATE", "{deed}: {why}");
        drop(other);
        if desk.schema().await.table("t").is_none() {
            continue;
        }
        let installed = store.install(&["t".to_owned(), "z".to_owned()]).await.unwrap();
        let is_of_log_alone = said.contains("reach back");
        assert_eq!(installed.renewed.iter().any(|(name, _)| name == "t"), !is_of_log_alone, "{deed}: {installed:?}");
        assert!(cut(&store, &task, &since).await.is_some(), "{deed}: what was read before says nothing of the new log");
        let (since, task) = (end(&store, "t").await, super::task(desk.schema().await.table("t").unwrap()));
        desk.other().execute_batch("DELETE FROM t WHERE id = 2; INSERT INTO t (id) VALUES (77)").unwrap();
        assert!(touched(&store, &task, &since).await.contains_key(&named([ValueRef::Int(77)].into_iter())), "{deed}");
    }
}

#[tokio::test]
async fn tables_that_are_gone_take_their_logs_with_them() {
    let desk = tracked().await;
    let store = desk.store().await;
    desk.other().execute_batch("DROP TRIGGER app; DROP TABLE child; ALTER TABLE w RENAME TO renamed").unwrap();
    let installed = store.install(&["t".to_owned(), "renamed".to_owned()]).await.unwrap();
    assert_eq!((installed.kept, installed.begun), (vec!["t".to_owned()], vec!["renamed".to_owned()]));
    let names = desk.query("SELECT name FROM sqlite_schema WHERE tbl_name = 'renamed' AND type = 'trigger'");
    assert!(names.iter().all(|name| !format!("{name:?}").contains("_syncline_5_")), "{names:?}");
    let left = store.standing().await.unwrap().unwrap().tables.into_iter().map(|table| table.name);
    assert_eq!(left.collect::<Vec<_>>(), ["new", "renamed", "t", "u"]);
}

/// A file that is put back as it was, and one that goes on from there by itself.
#[tokio::test]
async fn a_file_that_went_back_is_told_from_one_that_went_on() {
    let desk = tracked().await;
    let write = |sql: &str| desk.other().execute_batch(sql).unwrap();
    write("INSERT INTO u VALUES ('x', 1)");
    let saved = desk.file("saved.db");
    std::fs::copy(desk.path(), &saved).unwrap();
    write("INSERT INTO u VALUES ('y', 2)");
    let task = task(desk.schema().await.table("u").unwrap());
    let since = end(&desk.store().await, "u").await;
    std::fs::copy(&saved, desk.path()).unwrap();
    let store = desk.store().await;
    assert!(cut(&store, &task, &since).await.is_some(), "the entry is not there yet");
    write("INSERT INTO u VALUES ('z', 3)");
    assert!(cut(&store, &task, &since).await.is_some(), "an entry of that number says something else");
}

#[tokio::test]
async fn keys_are_looked_up_as_they_are_logged() {
    let desk = tracked().await;
    let store = desk.store().await;
    let task = task(desk.schema().await.table("u").unwrap());
    let mut view = store.snapshot().await.unwrap();
    let rows: Vec<_> = view.fetch(&task, &batch(&[text("p")])).await.unwrap().try_collect().await.unwrap();
    assert_eq!(rows.iter().map(RowBatch::len).sum::<usize>(), 1);
}
