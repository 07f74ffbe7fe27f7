use std::fs;

use syncline_core::change::{Image, Operation, PlannedChange, RowDigest};
use syncline_core::error::Code;
use syncline_core::state::{ChangeKind, Evidence, LoadRecord, Spool, TableRecord};
use tempfile::TempDir;

use super::retention::Kept;
use super::*;
use crate::request::{RunRequest, Verb};
use crate::summary::{Status, Summary, TableSummary, Verified};

async fn open() -> (TempDir, State) {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(&dir.path().join("state")).await.unwrap();
    (dir, state)
}

fn run(started_ms: i64) -> NewRun {
    NewRun {
        verb: RunVerb::Mirror,
        source: "a.db".into(),
        target: "b.db".into(),
        source_identity: Some("sqlite:1:1".into()),
        target_identity: "sqlite:1:2".into(),
        request: Some(RunRequest::new(Verb::Mirror, "sqlite:/a.db", "sqlite:/b.db")),
        undoes: None,
        continues: None,
        keeps_images: true,
        started_ms,
    }
}

fn undo(of: &str) -> NewRun {
    NewRun { verb: RunVerb::Undo, undoes: Some(of.to_owned()), request: None, ..run(0) }
}

fn end(mark_undone: bool) -> RunEnd {
    let (status, verified) = (Status::Succeeded, Verified::Equal);
    RunEnd { status, verified, summary: None, error: None, ended_ms: 20, mark_undone }
}

fn image(key: &str, before: Option<&str>, after: Option<u128>) -> Image {
    let bytes = |text: &str| text.as_bytes().to_vec();
    Image { key: bytes(key), before: before.map(bytes), place: Some(7), after: after.map(RowDigest) }
}

fn table(name: &str) -> TableRecord {
    TableRecord { table: name.into(), columns: vec!["id".into(), "na\"me".into()], sequence: Some(9) }
}

fn load(name: &str) -> LoadRecord {
    let columns = vec!["id".into()];
    LoadRecord { table: name.into(), columns, created: true, sum: vec![1, 2], sequence: None }
}

/// A run that has ended, with one image of so many bytes.
async fn done(state: &State, ended_ms: i64, bytes: usize) -> String {
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    evidence.record_images(1, "t", vec![image("k", Some(&"x".repeat(bytes)), None)]).await.unwrap();
    state.finish_run(&id, RunEnd { ended_ms, ..end(false) }).await.unwrap();
    id
}

async fn take_back(state: &State, id: &str) -> String {
    let by = state.begin_run(undo(id)).await.unwrap();
    let evidence = state.evidence(&by);
    evidence.record_table(&table("t")).await.unwrap();
    evidence.record_images(1, "t", vec![image("k", None, Some(1))]).await.unwrap();
    state.finish_run(&by, end(true)).await.unwrap();
    by
}

async fn newest(state: &State) -> Option<String> {
    state.newest_undoable().await.unwrap().map(|run| run.id)
}

#[tokio::test]
async fn a_run_is_remembered_by_the_next_process() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(10)).await.unwrap();
    assert!(id.len() == 10 && id.starts_with("r_"), "{id}");
    let begun = state.find_run(&id).await.unwrap();
    assert_eq!((begun.status, begun.verified, begun.ended_ms), (Status::Running, Verified::Skipped, None));

    let counted = TableSummary {
        table: "t".into(),
        direction: "source->target".into(),
        inserted: 1,
        updated: 2,
        deleted: 3,
        unchanged: 4,
        conflicts: 0,
        held: 0,
        kept: 0,
        added_columns: Vec::new(),
        strategy: "compare".into(),
        error: None,
    };
    let summary = Summary {
        format: 1,
        kind: "summary".into(),
        run: id.clone(),
        status: Status::Partial,
        verified: Verified::InFlight,
        tables: vec![counted.clone(), counted],
        duration_ms: 5,
        continues: None,
        backup: None,
        notes: vec![],
    };
    let error = syncline_core::error::Error::new(Code::DiskFull, "no room").because("full");
    let end = RunEnd { summary: Some(summary.clone()), error: Some((&error).into()), ..end(false) };
    state.finish_run(&id, end.clone()).await.unwrap();

    let again = State::open(state.dir()).await.unwrap().find_run(&id).await.unwrap();
    assert_eq!(again.request, run(10).request);
    assert_eq!((again.summary, again.error), (Some(summary), end.error.clone()));
    assert_eq!((again.status, again.verified, again.written_rows), (Status::Succeeded, Verified::Equal, 12));
    assert_eq!(state.finish_run("r_none", end).await.unwrap_err().code(), Code::RunNotFound);
}

#[tokio::test]
async fn runs_are_found_by_the_beginning_of_their_name() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    for text in [id.as_str(), &id[2..], &id[..6], &id[2..6], &id.to_uppercase(), &format!(" {id}\n")] {
        assert_eq!(state.find_run(text).await.unwrap().id, id, "{text}");
    }
    for text in ["", "r", "r_", "r_%", "_", "zz", &format!("{id}0")] {
        assert_eq!(state.find_run(text).await.unwrap_err().code(), Code::RunNotFound, "{text}");
    }
    // Seventeen runs cannot have sixteen different first digits.
    let mut digits = vec![id.as_bytes()[2]];
    for _ in 0..16 {
        digits.push(state.begin_run(run(0)).await.unwrap().as_bytes()[2]);
    }
    let twice = digits.iter().find(|digit| digits.iter().filter(|other| other == digit).count() > 1).unwrap();
    let error = state.find_run(&(*twice as char).to_string()).await.unwrap_err();
    assert_eq!((error.code(), error.why()), (Code::RunNotFound, Some("several begin so")));
}

#[tokio::test]
async fn runs_are_listed_newest_first_page_by_page() {
    let (_dir, state) = open().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, state.begin_run(run(0)).await.unwrap());
    }
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let (page, next) = state.list_runs(2, cursor.as_deref()).await.unwrap();
        listed.extend(page.into_iter().map(|run| run.id));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, ids);
    assert_eq!(state.list_runs(5, None).await.unwrap().1, None);
    assert!(state.list_runs(5, Some("r_none")).await.is_err());
}

#[tokio::test]
async fn a_dead_run_is_found_and_marked_once() {
    let (_dir, state) = open().await;
    let dead = state.begin_run(run(0)).await.unwrap();
    state.begin_run(NewRun { target_identity: "other".into(), ..run(0) }).await.unwrap();
    let unfinished = state.unfinished_runs("sqlite:1:2").await.unwrap();
    assert_eq!(unfinished.iter().map(|run| &run.id).collect::<Vec<_>>(), [&dead]);
    state.mark_interrupted(&dead, 30).await.unwrap();
    state.mark_interrupted(&dead, 40).await.unwrap();
    let found = state.find_run(&dead).await.unwrap();
    assert_eq!((found.status, found.ended_ms), (Status::Interrupted, Some(30)));
    assert!(state.unfinished_runs("sqlite:1:2").await.unwrap().is_empty());
}

#[tokio::test]
async fn undo_after_undo_walks_back_in_history() {
    let (_dir, state) = open().await;
    assert_eq!(newest(&state).await, None);
    let first = done(&state, 1, 1).await;
    let second = done(&state, 2, 1).await;
    let without_changes = state.begin_run(run(0)).await.unwrap();
    state.finish_run(&without_changes, end(false)).await.unwrap();
    let running = state.begin_run(run(0)).await.unwrap();
    state.evidence(&running).record_load(1, &load("t")).await.unwrap();

    assert_eq!(newest(&state).await.as_ref(), Some(&second));
    let undo_of_second = take_back(&state, &second).await;
    assert_eq!(newest(&state).await.as_ref(), Some(&first));
    take_back(&state, &first).await;
    assert_eq!(newest(&state).await, None);

    // Taking back the undo puts the second run in force again, and taking that back ends it again.
    let redo = take_back(&state, &undo_of_second).await;
    assert_eq!(state.find_run(&undo_of_second).await.unwrap().undone_by.as_ref(), Some(&redo));
    assert_eq!(newest(&state).await.as_ref(), Some(&second));
    take_back(&state, &redo).await;
    assert_eq!(state.find_run(&second).await.unwrap().undone_by, Some(undo_of_second));
    assert_eq!(newest(&state).await, None);
}

#[tokio::test]
async fn what_was_loaded_and_undone_stays_undone() {
    let (_dir, state) = open().await;
    let loaded = done(&state, 1, 1).await;
    state.evidence(&loaded).record_load(2, &load("t")).await.unwrap();
    let undone = take_back(&state, &loaded).await;
    take_back(&state, &undone).await;
    assert_eq!(state.find_run(&loaded).await.unwrap().undone_by, Some(undone));
}

#[tokio::test]
async fn a_run_is_asked_to_stop_from_another_process() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    assert!(!state.is_cancel_requested(&id).await.unwrap());
    State::open(state.dir()).await.unwrap().request_cancel(&id).await.unwrap();
    assert!(state.is_cancel_requested(&id).await.unwrap());
    assert_eq!(state.request_cancel("r_none").await.unwrap_err().code(), Code::RunNotFound);
}

#[tokio::test]
async fn logs_keep_their_order() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    state.log(&id, LogLevel::Info, "began", 2).await.unwrap();
    state.log(&id, LogLevel::Warn, "the clock went back", 1).await.unwrap();
    let lines = state.logs(&id).await.unwrap();
    assert_eq!(lines[0], LogLine { at_ms: 2, level: LogLevel::Info, message: "began".into() });
    assert_eq!(lines[1].level, LogLevel::Warn);
    // A log without a run would never be found again.
    assert_eq!(state.log("r_none", LogLevel::Info, "", 1).await.unwrap_err().code(), Code::StateFailed);
}

#[tokio::test]
async fn images_come_back_as_they_were_given() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    let unknown = evidence.record_images(1, "t", vec![image("k", None, None)]).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Internal);
    for name in ["t", "other"] {
        evidence.record_table(&table(name)).await.unwrap();
    }
    evidence.record_table(&TableRecord { sequence: None, ..table("t") }).await.unwrap();
    assert_eq!(state.evidence_tables(&id).await.unwrap(), [table("t"), table("other")]);

    let images =
        [image("c", Some("gone"), None), image("a", Some(""), Some(u128::MAX)), image("\0b", None, Some(1 << 90))];
    evidence.record_images(1, "t", images[..2].to_vec()).await.unwrap();
    evidence.record_images(1, "other", vec![image("a", None, Some(5))]).await.unwrap();
    evidence.record_images(2, "t", images[2..].to_vec()).await.unwrap();
    evidence.record_images(2, "t", Vec::new()).await.unwrap();

    let first = state.images(&id, "t", 0, 2).await.unwrap();
    let second = state.images(&id, "t", first[1].0, 2).await.unwrap();
    assert_eq!(first.into_iter().chain(second).map(|(_, image)| image).collect::<Vec<_>>(), images);
    let keys = [b"\0b".to_vec(), b"missing".to_vec(), b"c".to_vec()];
    assert_eq!(state.images_by_key(&id, "t", &keys).await.unwrap().0, [images[2].clone(), images[0].clone()]);
    let counts = ImageCounts { to_restore: 1, to_revert: 1, to_remove: 1 };
    assert_eq!(state.image_counts(&id, "t").await.unwrap(), counts);
    assert_eq!(state.image_counts(&id, "unknown").await.unwrap(), ImageCounts::default());
    assert!(state.images("r_none", "t", 0, 9).await.unwrap().is_empty());
}

/// Two of them pass a batch.
const LONG: usize = syncline_core::limits::BATCH_BYTES * 3 / 5;

#[tokio::test]
async fn long_images_come_few_at_a_time() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    let long = "x".repeat(LONG);
    let images: Vec<_> = ["a", "b", "c", "d", "e"].map(|key| image(key, Some(&long), Some(1))).into();
    evidence.record_images(1, "t", images.clone()).await.unwrap();
    let keys: Vec<_> = images.iter().map(|image| image.key.clone()).collect();
    let (first, looked_up) = state.images_by_key(&id, "t", &keys).await.unwrap();
    assert_eq!((first.len(), looked_up), (2, 2));
    let (last, looked_up) = state.images_by_key(&id, "t", &keys[4..]).await.unwrap();
    assert!(last == images[4..] && looked_up == 1);
    // Which rows there are, and where, is known without their cells.
    let traces = state.traces(&id, "t", 0, 9).await.unwrap();
    assert_eq!(traces.iter().map(|(_, trace)| trace.key.clone()).collect::<Vec<_>>(), keys);
    assert!(traces.iter().all(|(_, trace)| trace.was_there && trace.after == Some(RowDigest(1))));
    let places: Vec<_> = images.iter().map(|image| image.place).collect();
    assert_eq!(state.places_by_key(&id, "t", &keys).await.unwrap(), places);
}

#[tokio::test]
async fn long_keys_make_short_pages() {
    let (_dir, state) = open().await;
    let spool = state.spool("r_1").await.unwrap();
    let long = |number: u8| PlannedChange { key: vec![number; LONG], ..planned(0) };
    let changes: Vec<_> = (0..5).map(long).collect();
    spool.append("t", &changes).await.unwrap();
    let mut read = Vec::new();
    loop {
        let page = spool.page("t", ChangeKind::Put, read.len() as u64, 9).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert!(read == changes);
}

#[tokio::test]
async fn a_row_changed_twice_has_one_image() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    let displaced = [image("a", Some("old"), None), image("b", Some("old"), None), image("c", None, Some(1))];
    evidence.record_images(1, "t", displaced.to_vec()).await.unwrap();
    let placed = [image("a", None, Some(5)), image("c", Some("new"), None)];
    evidence.record_images(1, "t", placed.to_vec()).await.unwrap();

    let net = [image("a", Some("old"), Some(5)), image("b", Some("old"), None)];
    let images: Vec<_> = state.images(&id, "t", 0, 9).await.unwrap().into_iter().map(|(_, image)| image).collect();
    assert_eq!(images, net);
    let keys = [b"c".to_vec(), b"b".to_vec(), b"a".to_vec()];
    assert_eq!(state.images_by_key(&id, "t", &keys).await.unwrap().0, [net[1].clone(), net[0].clone()]);
    let counts = ImageCounts { to_restore: 1, to_revert: 1, to_remove: 0 };
    assert_eq!(state.image_counts(&id, "t").await.unwrap(), counts);
}

#[tokio::test]
async fn what_never_came_into_the_target_is_discarded() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    for (batch, name) in [(1, "t"), (2, "t"), (2, "u"), (3, "t"), (3, "v")] {
        evidence.record_table(&table(name)).await.unwrap();
        evidence.record_images(batch, name, vec![image(&batch.to_string(), Some("x"), None)]).await.unwrap();
    }
    evidence.record_load(2, &load("kept")).await.unwrap();
    evidence.record_load(3, &load("late")).await.unwrap();

    let names = |tables: Vec<TableRecord>| tables.into_iter().map(|table| table.table).collect::<Vec<_>>();
    evidence.forget_batch(3).await.unwrap();
    assert_eq!(names(state.evidence_tables(&id).await.unwrap()), ["t", "u"]);
    assert_eq!(state.loads(&id).await.unwrap(), [load("kept")]);
    state.evidence(&id).seal(1).await.unwrap();
    assert_eq!(names(state.evidence_tables(&id).await.unwrap()), ["t"]);
    assert_eq!(state.images(&id, "t", 0, 9).await.unwrap().len(), 1);
    assert!(state.has_changes(&id).await.unwrap());
    state.evidence(&id).seal(0).await.unwrap();
    assert!(!state.has_changes(&id).await.unwrap());
    assert!(state.evidence_tables(&id).await.unwrap().is_empty());

    assert_eq!(state.sealed_batch(&id).await.unwrap(), Some(0));
    evidence.seal(2).await.unwrap();
    assert_eq!(state.sealed_batch(&id).await.unwrap(), Some(2));
}

#[tokio::test]
async fn old_images_expire() {
    let (_dir, state) = open().await;
    let old = done(&state, 1_000, 10).await;
    let young = done(&state, 2_000, 10).await;
    let week = 7 * 24 * 60 * 60 * 1_000;
    assert_eq!(state.expire_images(1_000 + week).await.unwrap(), 0);
    assert_eq!(state.expire_images(1_500 + week).await.unwrap(), 1);
    assert!(!state.find_run(&old).await.unwrap().keeps_images);
    assert!(!state.has_changes(&old).await.unwrap());
    assert!(state.has_changes(&young).await.unwrap());
    assert_eq!(state.begin_run(undo(&old)).await.unwrap_err().code(), Code::NothingToUndo);
    assert_eq!(state.expire_images(1_500 + week).await.unwrap(), 0);
}

#[tokio::test]
async fn images_beyond_the_limit_expire_oldest_first() {
    let (_dir, state) = open().await;
    let kept = Kept { ms: i64::MAX, bytes: 2_500 };
    let large = done(&state, 1, 5_000).await;
    assert_eq!(state.expire_beyond(9, kept).await.unwrap(), 0, "the newest run keeps its images");
    let runs = [done(&state, 2, 1_000).await, done(&state, 3, 1_000).await, done(&state, 4, 1_000).await];
    assert_eq!(state.expire_beyond(9, kept).await.unwrap(), 2);
    let mut has_changes = Vec::new();
    for run in [&large, &runs[0], &runs[1], &runs[2]] {
        has_changes.push(state.has_changes(run).await.unwrap());
    }
    assert_eq!(has_changes, [false, false, true, true]);
}

#[tokio::test]
async fn a_living_run_and_what_it_undoes_keep_their_images() {
    let (_dir, state) = open().await;
    let kept = Kept { ms: 0, bytes: 0 };
    let undone = done(&state, 1, 10).await;
    let lock = RunLock::acquire(state.dir(), "sqlite:1:2", "undo").unwrap();
    let undoing = state.begin_run(undo(&undone)).await.unwrap();
    assert_eq!(state.expire_beyond(9, kept).await.unwrap(), 0);
    drop(lock);
    assert_eq!(state.expire_beyond(9, kept).await.unwrap(), 1, "the process of {undoing} is dead");
}

#[tokio::test]
async fn space_is_given_back() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    let images: Vec<_> = (0..12_000).map(|n| image(&n.to_string(), Some(&"x".repeat(200)), None)).collect();
    evidence.record_images(1, "t", images.clone()).await.unwrap();
    state.finish_run(&id, end(false)).await.unwrap();
    assert_eq!(state.expire_beyond(99, Kept { ms: 0, bytes: 0 }).await.unwrap(), 1);
    let dir = state.dir().to_owned();
    drop((state, evidence));
    assert!(fs::metadata(dir.join("state.db")).unwrap().len() < 200_000);
}

fn planned(number: u64) -> PlannedChange {
    let operation = [Operation::Insert, Operation::Update, Operation::Delete][number as usize % 3];
    let seen = (operation != Operation::Insert).then_some(RowDigest(u128::from(number) << 80));
    PlannedChange { operation, key: number.to_be_bytes().to_vec(), seen, becomes: seen, copies: None }
}

#[tokio::test]
async fn a_spool_returns_changes_by_kind_in_order() {
    let (_dir, state) = open().await;
    let spool = state.spool("r_1").await.unwrap();
    assert!(spool.page("t", ChangeKind::Put, 0, 9).await.unwrap().is_empty());
    let changes: Vec<_> = (0..3_000).map(planned).collect();
    for part in changes.chunks(700) {
        spool.append("t", part).await.unwrap();
        spool.append("u", &part[..1]).await.unwrap();
    }
    let is_put = |change: &&PlannedChange| change.operation != Operation::Delete;
    let puts: Vec<_> = changes.iter().filter(is_put).cloned().collect();
    let page = spool.page("t", ChangeKind::Put, 1_990, 100).await.unwrap();
    assert_eq!(page, puts[1_990..]);
    assert_eq!(spool.page("t", ChangeKind::Put, 3, 5).await.unwrap(), puts[3..8]);
    let deletes: Vec<_> = changes.iter().filter(|change| !is_put(change)).cloned().collect();
    assert_eq!(spool.page("t", ChangeKind::Delete, 0, 5_000).await.unwrap(), deletes);
    assert!(spool.page("t", ChangeKind::Delete, 1_000, 9).await.unwrap().is_empty());
    assert!(spool.page("v", ChangeKind::Put, 0, 9).await.unwrap().is_empty());

    spool.clear().await.unwrap();
    assert!(spool.page("t", ChangeKind::Put, 0, 9).await.unwrap().is_empty());
    spool.append("t", &changes[..1]).await.unwrap();
    assert_eq!(spool.page("t", ChangeKind::Put, 0, 9).await.unwrap(), changes[..1]);
}

#[tokio::test]
async fn spools_leave_no_file_and_survive_other_openings() {
    let (_dir, state) = open().await;
    let spools = |state: &State| {
        let names = fs::read_dir(state.dir()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().contains("spool")).count()
    };
    fs::write(state.dir().join("spool-r_dead.db"), "left by a dead process").unwrap();
    let spool = state.spool("r_1").await.unwrap();
    let changes: Vec<_> = (0..50_000).map(planned).collect();
    spool.append("t", &changes[..25_000]).await.unwrap();
    State::open(state.dir()).await.unwrap();
    assert_eq!(spools(&state), 0);
    spool.append("t", &changes[25_000..]).await.unwrap();
    assert_eq!(spool.page("t", ChangeKind::Delete, 16_000, 1).await.unwrap(), [planned(48_002)]);
    drop(spool);
    assert_eq!(spools(&state), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_open_and_write_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a").join("b");
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move {
                let state = State::open(&path).await.unwrap();
                let id = state.begin_run(run(0)).await.unwrap();
                for line in 0..10 {
                    state.log(&id, LogLevel::Info, "at work", line).await.unwrap();
                }
                state.finish_run(&id, end(false)).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (runs, _) = State::open(&path).await.unwrap().list_runs(99, None).await.unwrap();
    assert_eq!(runs.len(), 8);
    assert!(runs.iter().all(|run| run.status == Status::Succeeded));
}

#[cfg(unix)]
#[tokio::test]
async fn everything_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(state.dir()), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(state.dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), if path.is_dir() { 0o700 } else { 0o600 }, "{path:?}");
        names.push(path.file_name().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["locks", "state.db", "state.db-shm", "state.db-wal"], "{id}");
}

#[tokio::test]
async fn a_state_that_is_not_ours_is_left_alone() {
    let refused = async |write: &str| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state.db");
        match write {
            "" => fs::write(&file, "no database at all, only some text that is long enough").unwrap(),
            sql => rusqlite::Connection::open(&file).unwrap().execute_batch(sql).unwrap(),
        }
        let before = fs::read(&file).unwrap();
        let error = State::open(dir.path()).await.unwrap_err();
        assert_eq!(error.code(), Code::StateFailed, "{write}");
        assert_eq!(error.place(), file.to_str(), "{write}");
        assert_eq!(fs::read(&file).unwrap(), before, "{write}");
        error.why().unwrap().to_owned()
    };
    assert!(refused("").await.contains("not a database"));
    assert!(refused("CREATE TABLE mine (a)").await.contains("another program's"));
    assert!(refused("PRAGMA application_id = 5").await.contains("another program's"));
    let newer = "PRAGMA application_id = 0x53796e63; PRAGMA user_version = 999";
    assert!(refused(newer).await.contains("its format is 999"));
}

#[tokio::test]
async fn a_state_that_cannot_be_opened_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = State::open(&file).await.unwrap_err();
    assert_eq!(error.code(), Code::StateFailed);
    assert!(error.why().is_some() && error.place().is_some(), "{error:?}");

    let (_dir, state) = open().await;
    let other = rusqlite::Connection::open(state.dir().join("state.db")).unwrap();
    other.execute_batch("DROP TABLE log").unwrap();
    let error = state.logs("r_1").await.unwrap_err();
    assert_eq!((error.code(), error.why()), (Code::StateFailed, Some("no such table: log")));
}

#[tokio::test]
async fn a_full_disk_is_called_so_and_loses_nothing() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    let limited = "set a limit";
    state.database.read(limited, |db| Ok(db.execute_batch("PRAGMA max_page_count = 1")?)).await.unwrap();
    let large: Vec<_> = (0..99).map(|n| image(&n.to_string(), Some(&"x".repeat(9_000)), None)).collect();
    assert_eq!(evidence.record_images(1, "t", large.clone()).await.unwrap_err().code(), Code::DiskFull);
    assert!(!state.has_changes(&id).await.unwrap());
    state.database.read(limited, |db| Ok(db.execute_batch("PRAGMA max_page_count = 99999")?)).await.unwrap();
    evidence.record_images(1, "t", large.clone()).await.unwrap();
    assert_eq!(state.images(&id, "t", 0, 999).await.unwrap().len(), 99);
}

#[tokio::test]
async fn pages_of_images_are_found_by_index() {
    let (_dir, state) = open().await;
    let plans = evidence::plans(&state).await;
    assert!(plans.iter().all(|plan| !plan.contains("SCAN")), "{plans:#?}");
    assert!(plans.iter().any(|plan| plan.contains("image_in_order (table_id=? AND rowid>?)")), "{plans:#?}");
    assert!(plans.iter().all(|plan| !plan.contains("TEMP B-TREE")), "{plans:#?}");
}
