use syncline_core::error::Code;
use syncline_core::state::Evidence;

use crate::state::fixtures::{done, end, image, load, open, record, run, table, undo};
use crate::state::{NewRun, RunEnd, State};
use crate::summary::{Status, Summary, TableSummary, Verified};

async fn take_back(state: &State, id: &str) -> String {
    let by = state.begin_run(undo(id)).await.unwrap();
    let evidence = state.evidence(&by);
    evidence.record_table(&table("t")).await.unwrap();
    record(&evidence, 1, "t", vec![image("k", None, Some(1))]).await.unwrap();
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
        bent: 0,
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
