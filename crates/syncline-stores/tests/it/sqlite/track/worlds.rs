//! Made-up statements against tables on which rows take each other away: the log names every key that changed.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// A statement that may fail, as an application's may.
fn statement() -> impl Strategy<Value = String> {
    let number = -2..6_i64;
    let conflict = prop_oneof![Just(""), Just("OR REPLACE"), Just("OR IGNORE"), Just("OR FAIL"), Just("OR ROLLBACK")];
    let name = prop_oneof![Just("'a'"), Just("'A'"), Just("'b'"), Just("x'61'"), Just("NULL"), Just("1"), Just("1.0")];
    let of_t = (conflict.clone(), number.clone(), name.clone(), number.clone(), number.clone());
    let of_w = (conflict.clone(), name.clone(), number.clone(), name.clone());
    prop_oneof![
        of_t.clone().prop_map(|(or, id, name, a, b)| format!("INSERT {or} INTO t VALUES ({id}, {name}, {a}, {b})")),
        of_t.clone().prop_map(|(or, id, name, a, b)| {
            format!("UPDATE {or} t SET name = {name}, a = {a}, b = {b} WHERE id >= {id}")
        }),
        of_t.clone().prop_map(|(or, id, _, a, _)| format!("UPDATE {or} t SET id = id + {a} WHERE id < {id}")),
        of_t.prop_map(|(_, id, name, a, _)| {
            format!("INSERT INTO t VALUES ({id}, {name}, {a}, 3) ON CONFLICT (id) DO UPDATE SET a = excluded.a + 1")
        }),
        of_w.clone().prop_map(|(or, x, y, note)| format!("INSERT {or} INTO w VALUES ({x}, {y}, {note})")),
        of_w.clone().prop_map(|(or, x, y, note)| format!("UPDATE {or} w SET x = {x}, note = {note} WHERE y = {y}")),
        of_w.prop_map(|(or, x, y, _)| format!("UPDATE {or} u SET code = {x} WHERE rowid = {y}")),
        (conflict, name, number.clone())
            .prop_map(|(or, x, n)| format!("INSERT {or} INTO u (rowid, code, note) VALUES ({n}, {x}, 0)")),
        number.clone().prop_map(|id| format!("DELETE FROM t WHERE id > {id}")),
        number.clone().prop_map(|id| format!("INSERT INTO child VALUES ({id} + 20, {id})")),
        number.prop_map(|n| format!("INSERT OR REPLACE INTO \"new\" VALUES ({n}, {n} % 3, 0)")),
    ]
}

#[test]
fn no_statement_changes_a_row_that_the_log_does_not_name() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let worlds = (any::<bool>(), any::<bool>(), prop::collection::vec(statement(), 1..40));
    let outcome = runner.run(&worlds, |(recursive, has_app_trigger, statements)| {
        runtime.block_on(async {
            let desk = Desk::with(SHOP);
            let application = application(&desk, recursive);
            if has_app_trigger {
                application
                    .execute_batch(
                        "CREATE TRIGGER more AFTER INSERT ON t BEGIN UPDATE OR REPLACE w SET note = NEW.name WHERE y = 1; END",
                    )
                    .unwrap();
            }
            desk.store().await.install(&TABLES.map(str::to_owned)).await.unwrap();
            for few in statements.chunks(5) {
                // What fails is no concern of the log's, but for what it has kept of it.
                let sql = few.join("; ");
                carries_what_goes_through(&desk, &application, &sql).await;
            }
        });
        Ok(())
    });
    outcome.unwrap();
}

async fn carries_what_goes_through(desk: &Desk, application: &Connection, sql: &str) {
    let (store, schema) = (desk.store().await, desk.schema().await);
    let tasks = TABLES.map(|table| task(schema.table(table).unwrap()));
    let mut before = Vec::new();
    for task in &tasks {
        before.push((end(&store, &task.table.name).await, rows(application, task)));
    }
    for statement in sql.split("; ") {
        let _ = application.execute_batch(statement);
    }
    for (task, (since, before)) in tasks.iter().zip(before) {
        let after = rows(application, task);
        let touched = touched(&store, task, &since).await;
        for key in changed(&before, &after) {
            assert_eq!(touched.get(&key), Some(&after.contains_key(&key)), "{sql}: {} {key}", task.table.name);
        }
    }
}
