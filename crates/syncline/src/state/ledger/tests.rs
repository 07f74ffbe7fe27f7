use syncline_core::change::Reason;
use syncline_core::error::Code;
use syncline_core::value::Value;

use super::*;
use crate::conflicts::{Conflict, ConflictFilter, ConflictState};
use crate::request::{RunRequest, Verb};
use crate::state::fixtures::{self, open};
use crate::state::{NewRun, RunEnd, RunVerb};
use crate::summary::{Status, Summary, TableSummary, Verified};

fn new_run(source: &str) -> NewRun {
    NewRun {
        source: format!("{source}.db"),
        source_identity: Some(format!("sqlite:1:{source}")),
        target_identity: "sqlite:1:b".into(),
        request: Some(RunRequest::new(Verb::Mirror, format!("sqlite:/{source}.db"), "sqlite:/b.db")),
        ..fixtures::run(10)
    }
}

fn orders(sight: &str) -> Vec<LedgerTable> {
    let table = |name: &str| LedgerTable {
        name: name.into(),
        target: name.to_uppercase(),
        columns: target_columns(),
        key: vec![0],
        given: vec!["total".to_owned()],
        sight: sight.into(),
    };
    vec![table("orders"), table("lines")]
}

/// A run between `source` and the target, and its ledger.
async fn begin(state: &State, source: &str) -> (String, RunLedger) {
    let run = state.begin_run(new_run(source)).await.unwrap();
    let ledger = state.ledger(&run, orders(""));
    (run, ledger)
}

/// The target spells them in another way.
fn target_columns() -> Vec<String> {
    ["ID", "Elder"].map(str::to_owned).to_vec()
}

fn columns() -> Vec<String> {
    ["id", "parent"].map(str::to_owned).to_vec()
}

fn row(values: &[Value]) -> Vec<u8> {
    exact::encode_row(values.iter().map(Value::as_ref))
}

fn held(id: i64, words: &str) -> HeldRow {
    HeldRow {
        operation: Operation::Insert,
        key: row(&[Value::Int(id)]),
        reason: Reason::Check,
        words: words.into(),
        source: Some(row(&[Value::Int(id), Value::text("=1+1")])),
        target: None,
        awaits: Vec::new(),
    }
}

/// A run that has held these rows of `orders`, sealed and ended.
async fn holding(state: &State, rows: &[HeldRow]) -> (String, RunLedger) {
    let (run, ledger) = begin(state, "a").await;
    ledger.hold(1, "orders", &columns(), rows.to_vec()).await.unwrap();
    ledger.seal_held(1).await.unwrap();
    (run, ledger)
}

async fn listed(state: &State, filter: &str) -> Vec<Conflict> {
    state.list_conflicts(&ConflictFilter::parse(filter).unwrap(), 1_000, None).await.unwrap().0
}

async fn ids(state: &State, filter: &str) -> Vec<String> {
    listed(state, filter).await.into_iter().map(|entry| entry.id).collect()
}

#[tokio::test]
async fn what_is_held_counts_once_the_run_is_sealed() {
    let (_dir, state) = open().await;
    let (run, ledger) = begin(&state, "a").await;
    ledger.hold(1, "orders", &columns(), vec![held(1, "no")]).await.unwrap();
    ledger.hold(2, "orders", &columns(), vec![held(2, "no")]).await.unwrap();
    ledger.hold(3, "orders", &columns(), vec![held(3, "no")]).await.unwrap();
    assert_eq!(listed(&state, "").await, []);
    ledger.forget_held(1).await.unwrap();
    ledger.seal_held(2).await.unwrap();
    let entries = listed(&state, "").await;
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(entry.key, [("id".to_owned(), Value::Int(2))]);
    assert_eq!((entry.table.as_str(), entry.target_table.as_str()), ("orders", "ORDERS"));
    assert_eq!((entry.reason, entry.words.as_str()), (Reason::Check, "no"));
    assert_eq!((&entry.first_run, &entry.last_run, entry.first_ms), (&run, &run, 10));
    assert_eq!((entry.source.as_str(), entry.target.as_str()), ("a.db", "b.db"));
    // Sealing twice is sealing once.
    ledger.seal_held(2).await.unwrap();
    assert_eq!(listed(&state, "").await, entries);
    assert_eq!(state.held_rows(&run).await.unwrap(), 1);
    let rows = state.find_conflict(&entry.id).await.unwrap();
    assert_eq!(rows.source, Some(vec![Value::Int(2), Value::text("=1+1")]));
    assert_eq!((rows.columns.as_slice(), rows.key.as_slice()), (columns().as_slice(), &[0][..]));
    assert_eq!((rows.target_columns, rows.target), (target_columns(), None));
}

#[tokio::test]
async fn a_dead_run_with_held_rows_is_found() {
    let (_dir, state) = open().await;
    let (run, ledger) = begin(&state, "a").await;
    ledger.hold(1, "orders", &columns(), vec![held(1, "no")]).await.unwrap();
    let end = RunEnd {
        status: Status::Failed,
        verified: Verified::Skipped,
        summary: None,
        error: None,
        ended_ms: 20,
        mark_undone: false,
    };
    state.finish_run(&run, end).await.unwrap();
    let unfinished = || async { state.unfinished_runs("sqlite:1:b").await.unwrap().len() };
    assert_eq!(unfinished().await, 1);
    ledger.seal_held(0).await.unwrap();
    assert_eq!(unfinished().await, 0);
    assert_eq!(listed(&state, "").await, []);
}

#[tokio::test]
async fn a_row_held_again_keeps_its_entry() {
    let (_dir, state) = open().await;
    let (first, _) = holding(&state, &[held(1, "no"), held(2, "no")]).await;
    let (second, _) = holding(&state, &[held(2, "never"), held(2, "still not"), held(3, "no")]).await;
    let entries = listed(&state, "").await;
    let seen: Vec<_> = entries.iter().map(|e| (e.id.as_str(), e.words.as_str())).collect();
    assert_eq!(seen, [("c_1", "no"), ("c_2", "still not"), ("c_3", "no")]);
    assert_eq!((&entries[1].first_run, &entries[1].last_run), (&first, &second));
    let rows = state.database.read("count", |connection| {
        Ok(connection.query_row("SELECT count(*) FROM held_row", (), |row| row.get::<_, i64>(0))?)
    });
    assert_eq!(rows.await.unwrap(), 3, "rows of earlier runs are left behind");
}

#[tokio::test]
async fn another_pair_has_entries_of_its_own() {
    let (_dir, state) = open().await;
    holding(&state, &[held(1, "no")]).await;
    let (_, ledger) = begin(&state, "z").await;
    ledger.hold(1, "orders", &columns(), vec![held(1, "no")]).await.unwrap();
    ledger.seal_held(1).await.unwrap();
    assert_eq!(ids(&state, "").await, ["c_1", "c_2"]);
    assert_eq!(ledger.settle("orders", Spoken::All, HeldUntil::default(), 30).await.unwrap(), 0);
}

#[tokio::test]
async fn a_database_made_anew_inherits_what_was_held() {
    let (_dir, state) = open().await;
    holding(&state, &[held(1, "no"), held(2, "no")]).await;
    let named = |source: &str| Some(RunRequest::new(Verb::Mirror, source, "sqlite:/b.db"));
    let anew = |source| NewRun { source_identity: Some("sqlite:1:new".into()), request: named(source), ..new_run("a") };
    let other = state.begin_run(anew("sqlite:/z.db")).await.unwrap();
    assert_eq!(
        state.ledger(&other, orders("")).settle("orders", Spoken::All, HeldUntil::default(), 30).await.unwrap(),
        0
    );
    let run = state.begin_run(anew("sqlite:/a.db")).await.unwrap();
    let ledger = state.ledger(&run, orders(""));
    ledger.hold(1, "orders", &columns(), vec![held(2, "no")]).await.unwrap();
    ledger.seal_held(1).await.unwrap();
    assert_eq!(ids(&state, "").await, ["c_1", "c_2"]);
    assert_eq!(ledger.settle("orders", Spoken::All, HeldUntil::default(), 30).await.unwrap(), 1);
}

/// A run that follows its source goes through a table again and again.
#[tokio::test]
async fn a_run_settles_what_it_has_held_before_and_not_again() {
    let (_dir, state) = open().await;
    let (_, ledger) = holding(&state, &[held(1, "no"), held(2, "no")]).await;
    let settle = async |since| ledger.settle("orders", Spoken::All, since, 30).await.unwrap();
    assert_eq!(settle(HeldUntil::default()).await, 0);
    let until = state.held_until_now().await.unwrap();
    ledger.hold(2, "orders", &columns(), vec![held(2, "still")]).await.unwrap();
    ledger.seal_held(2).await.unwrap();
    assert_eq!(settle(until).await, 1);
    assert_eq!(ids(&state, "").await, ["c_2"]);
    assert_eq!(settle(until).await, 0);
    assert_eq!(settle(state.held_until_now().await.unwrap()).await, 1);
}

#[tokio::test]
async fn a_run_settles_what_it_does_not_hold_again() {
    let (_dir, state) = open().await;
    let gone = HeldRow { operation: Operation::Delete, ..held(9, "no") };
    holding(&state, &[held(1, "no"), held(2, "no"), gone]).await;
    let (run, ledger) = holding(&state, &[held(2, "no")]).await;
    // Neither another table nor another way of seeing the source says anything about these rows.
    assert_eq!(ledger.settle("lines", Spoken::All, HeldUntil::default(), 30).await.unwrap(), 0);
    assert_eq!(
        state.ledger(&run, orders("where")).settle("orders", Spoken::All, HeldUntil::default(), 30).await.unwrap(),
        0
    );
    assert_eq!(ledger.settle("orders", Spoken::Puts, HeldUntil::default(), 30).await.unwrap(), 1);
    assert_eq!(ids(&state, "").await, ["c_2", "c_3"]);
    assert_eq!(ledger.settle("orders", Spoken::All, HeldUntil::default(), 31).await.unwrap(), 1);
    let settled = listed(&state, "state:settled").await;
    assert_eq!(settled.len(), 2);
    assert_eq!((settled[0].state, settled[0].settled_by.as_ref()), (ConflictState::Settled, Some(&run)));
    assert_eq!((settled[0].settled_ms, settled[1].settled_ms), (Some(30), Some(31)));
    // What differs anew has a new entry.
    holding(&state, &[held(1, "no")]).await;
    assert_eq!(ids(&state, "").await, ["c_2", "c_4"]);
}

#[tokio::test]
async fn chosen_entries_are_settled_unless_held_again() {
    let (_dir, state) = open().await;
    holding(&state, &[held(1, "no"), held(2, "no"), held(3, "no")]).await;
    let (run, _) = holding(&state, &[held(2, "no")]).await;
    let chosen = ["c_1", "c_2"].map(str::to_owned);
    assert_eq!(state.settle_entries(&run, &chosen, 30).await.unwrap(), 1);
    assert_eq!(ids(&state, "").await, ["c_2", "c_3"]);
}

#[tokio::test]
async fn an_undo_opens_again_what_its_run_had_settled() {
    let (_dir, state) = open().await;
    holding(&state, &[held(1, "no"), held(2, "no")]).await;
    let (run, ledger) = holding(&state, &[]).await;
    ledger.settle("orders", Spoken::All, HeldUntil::default(), 30).await.unwrap();
    // One of them has come back since, and is not to wait twice.
    holding(&state, &[held(2, "again")]).await;
    assert_eq!(ids(&state, "").await, ["c_3"]);
    let undo = NewRun { verb: RunVerb::Undo, undoes: Some(run), request: None, source_identity: None, ..new_run("a") };
    let undo = state.begin_run(undo).await.unwrap();
    assert_eq!(ids(&state, "").await, ["c_3"]);
    let table = TableSummary {
        table: "orders".into(),
        direction: "source->target".into(),
        inserted: 0,
        updated: 0,
        deleted: 1,
        unchanged: 0,
        conflicts: 0,
        held: 0,
        bent: 0,
        kept: 0,
        added_columns: Vec::new(),
        strategy: "undo".into(),
        error: None,
    };
    let summary = Summary {
        format: 1,
        kind: "summary".into(),
        run: undo.clone(),
        status: Status::Conflicts,
        verified: Verified::Skipped,
        tables: vec![table],
        duration_ms: 1,
        continues: None,
        backup: None,
        notes: Vec::new(),
    };
    let end = RunEnd {
        status: Status::Conflicts,
        verified: Verified::Skipped,
        summary: Some(summary),
        error: None,
        ended_ms: 40,
        mark_undone: false,
    };
    state.finish_run(&undo, end).await.unwrap();
    assert_eq!(ids(&state, "").await, ["c_1", "c_3"]);
}

#[tokio::test]
async fn filters_and_pages() {
    let (_dir, state) = open().await;
    let (run, ledger) = begin(&state, "a").await;
    let clash = HeldRow { reason: Reason::Unique, ..held(3, "taken") };
    ledger.hold(1, "orders", &columns(), vec![held(1, "no"), held(2, "no"), clash]).await.unwrap();
    ledger.hold(1, "lines", &columns(), vec![held(1, "no")]).await.unwrap();
    ledger.seal_held(1).await.unwrap();
    assert_eq!(ids(&state, "table:orders kind:check").await, ["c_1", "c_2"]);
    assert_eq!(ids(&state, "kind:unique kind:check table:line*").await, ["c_4"]);
    assert_eq!(ids(&state, &format!("run:{}", &run[..6])).await.len(), 4);
    assert_eq!(ids(&state, "table:nothing").await.len(), 0);
    let lost = ConflictFilter::parse("run:r_zz").unwrap();
    assert_eq!(state.list_conflicts(&lost, 1, None).await.unwrap_err().code(), Code::RunNotFound);
    let all = ConflictFilter::open();
    assert_eq!(state.count_conflicts(&all).await.unwrap(), 4);
    let (page, next) = state.list_conflicts(&all, 3, None).await.unwrap();
    assert_eq!((page.len(), next.as_deref()), (3, Some("c_3")));
    let (page, next) = state.list_conflicts(&all, 3, next.as_deref()).await.unwrap();
    assert_eq!((page.len(), next), (1, None));
    assert_eq!(state.list_conflicts(&all, 3, Some("x")).await.unwrap_err().code(), Code::ConflictNotFound);
    for lost in ["c_99", "c_0", "orders", "c_-1", ""] {
        assert_eq!(state.find_conflict(lost).await.unwrap_err().code(), Code::ConflictNotFound, "{lost}");
    }
    assert_eq!(state.find_conflict("4").await.unwrap().entry.id, "c_4");
}

#[tokio::test]
async fn rows_know_what_they_wait_for_and_what_waits_for_them() {
    let (_dir, state) = open().await;
    let (_, ledger) = begin(&state, "a").await;
    let awaiting = |id: i64, table: &str, column: &str, value: Value| HeldRow {
        awaits: vec![Awaited { table: table.into(), columns: vec![column.into()], values: row(&[value]) }],
        ..held(id, "waits")
    };
    ledger.hold(1, "orders", &columns(), vec![held(1, "no"), held(2, "no")]).await.unwrap();
    let lines = [
        awaiting(10, "Orders", "id", Value::Int(1)),
        // By another number that is the same, by a column that is no key, and by a row that is not held.
        awaiting(11, "ORDERS", "id", Value::Real(1.0)),
        awaiting(12, "ORDERS", "elder", Value::text("=1+1")),
        awaiting(13, "ORDERS", "id", Value::Int(77)),
    ];
    ledger.hold(1, "lines", &columns(), lines.to_vec()).await.unwrap();
    ledger.seal_held(1).await.unwrap();
    assert_eq!(state.entries_awaiting("c_1").await.unwrap(), ["c_3", "c_4", "c_5"]);
    assert_eq!(state.entries_awaiting("c_2").await.unwrap(), ["c_5"]);
    assert_eq!(state.entries_awaiting("c_3").await.unwrap(), [""; 0]);
    let mut holders = Vec::new();
    for id in ["c_1", "c_3", "c_4", "c_5", "c_6"] {
        let links = state.awaited_by_entry(id).await.unwrap();
        holders.push(links.into_iter().map(|link| link.held_by).collect::<Vec<_>>());
    }
    let first = || Some("c_1".to_owned());
    assert_eq!(holders, [vec![], vec![first()], vec![first()], vec![first()], vec![None]]);
    assert_eq!(listed(&state, "").await[2].awaits, 1);
    // What another pair holds is not what these wait for.
    let (_, other) = begin(&state, "z").await;
    other.hold(1, "lines", &columns(), vec![awaiting(14, "ORDERS", "id", Value::Int(1))]).await.unwrap();
    other.seal_held(1).await.unwrap();
    assert_eq!(state.entries_awaiting("c_1").await.unwrap().len(), 3);
    assert_eq!(state.awaited_by_entry("c_7").await.unwrap()[0].held_by, None);
}

#[tokio::test]
async fn settled_entries_expire_and_open_ones_never() {
    let (_dir, state) = open().await;
    holding(&state, &[held(1, "no"), held(2, "no"), held(3, "no"), held(4, "no")]).await;
    let (run, _) = begin(&state, "a").await;
    for (id, settled_ms) in [("c_1", 100), ("c_2", 200), ("c_3", 300)] {
        state.settle_entries(&run, &[id.to_owned()], settled_ms).await.unwrap();
    }
    assert_eq!(state.expire_settled_beyond(101, 10).await.unwrap(), 1);
    assert_eq!(ids(&state, "state:all").await, ["c_2", "c_3", "c_4"]);
    assert_eq!(state.expire_settled_beyond(0, 1).await.unwrap(), 1);
    assert_eq!(ids(&state, "state:all").await, ["c_3", "c_4"]);
    assert_eq!(state.expire_settled_beyond(i64::MAX, 0).await.unwrap(), 1);
    assert_eq!(ids(&state, "state:all").await, ["c_4"]);
    // An identifier is given out once.
    holding(&state, &[held(3, "again")]).await;
    assert_eq!(ids(&state, "").await, ["c_4", "c_5"]);
}
