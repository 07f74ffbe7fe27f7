//! Triggers and references, for a superuser, for whoever owns the tables, and for a stranger.

use std::sync::Arc;

use syncline_core::change::{ApplyMode, Reason, TableTask};
use syncline_core::error::Code;
use syncline_core::value::Value;

use super::{Desk, INT, batch, commit, deletes, inserts, ints, load, reference, task, updates, write};

const TABLES: &str = "
    CREATE TABLE p (id int8 PRIMARY KEY, n int8);
    INSERT INTO p SELECT id, id FROM generate_series(1, 9) AS id;
    CREATE TABLE c (id int8 PRIMARY KEY, p int8 REFERENCES p (id) ON DELETE CASCADE);
    INSERT INTO c VALUES (1, 1), (2, 2);
    CREATE TABLE noted (what text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.noted VALUES (TG_OP); RETURN coalesce(NEW, OLD);
    END $$;
    CREATE TRIGGER plain BEFORE INSERT OR UPDATE OR DELETE ON p FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER always AFTER INSERT OR UPDATE OR DELETE ON p FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER off AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION note();
    ALTER TABLE p ENABLE ALWAYS TRIGGER always;
    ALTER TABLE p DISABLE TRIGGER off;
";

const OWNED: &str = "ALTER TABLE p OWNER TO $role; ALTER TABLE c OWNER TO $role; ALTER TABLE noted OWNER TO $role;";

const TRIGGERS: &str = "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1";

fn parents() -> TableTask {
    task("p", &[("id", INT), ("n", INT)])
}

fn children() -> TableTask {
    let mut task = task("c", &[("id", INT), ("p", INT)]);
    Arc::make_mut(&mut task.table).foreign_keys = vec![reference("p")];
    task
}

/// Writes to both tables; returns how many parents went of which one has children.
async fn work(desk: &Desk) -> (u64, usize) {
    assert_eq!(write(desk, &parents(), inserts(&ints([[10, 10]]))).await.inserted, 1);
    assert_eq!(write(desk, &parents(), updates(&ints([[3, 3]]), &ints([[3, -3]]))).await.updated, 1);
    let gone = write(desk, &parents(), deletes(&ints([[1, 1], [4, 4]]))).await;
    assert_eq!(desk.shown(TRIGGERS), "always|A\noff|D\nplain|O", "as before");
    assert_eq!(desk.shown("SELECT count(*) FROM noted"), "0", "none has fired");
    assert_eq!(desk.shown("SELECT count(*) FROM c"), "2", "no action has run");
    desk.database.psql("INSERT INTO p VALUES (99, 99)");
    assert_eq!(desk.shown("SELECT count(*) FROM noted"), "2", "for others they fire");
    (gone.deleted, gone.refused.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_superuser_neither_triggers_nor_references_act() {
    let desk = Desk::new(TABLES).await;
    assert_eq!(work(&desk).await, (2, 0));
    assert!(load(&desk, &children(), &ints([[3, 77]])).await.is_empty(), "found by asking, not by the server");
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.orphans(&children(), &reference("p"), None, 9).await.unwrap().count, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_switches_triggers_off_and_references_stay() {
    let desk = Desk::of_role(&format!("{TABLES}{OWNED}")).await;
    assert_eq!(work(&desk).await, (1, 1), "what is referenced stays");
    let refused = load(&desk, &children(), &ints([[3, 77], [4, 5], [5, 78]])).await;
    assert_eq!(refused.iter().map(|refusal| refusal.reason).collect::<Vec<_>>(), [Reason::ForeignKey; 2]);
    assert_eq!(desk.shown("SELECT id FROM c ORDER BY 1"), "1\n2\n4");
    // Emptying the parents would take the children along.
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.clear(&parents()).await.unwrap_err().code(), Code::ForeignKeyBroken);
    drop(transaction);
    // An exchange keeps those in their places that others reference.
    let mut transaction = writer.begin().await.unwrap();
    let (old, new) = (ints([[2, 2], [5, 5], [6, 6]]), ints([[2, 6], [5, 2], [6, 5]]));
    let left = transaction.apply(&parents(), updates(&old, &new), ApplyMode::Displace).await.unwrap();
    assert_eq!((left.refused.len(), left.images.len()), (2, 1), "2 and 5 have children");
    let back = transaction.apply(&parents(), updates(&old, &new), ApplyMode::Place).await.unwrap();
    assert_eq!((back.updated, back.refused.len()), (1, 0));
    commit(transaction).await.unwrap();
    assert_eq!(desk.shown("SELECT n FROM p WHERE id IN (2, 5, 6) ORDER BY id"), "2\n5\n5");
    desk.database.psql(TABLES_GO);
}

const TABLES_GO: &str = "DROP TABLE c, p, noted CASCADE";

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_does_not_write_where_triggers_would_fire() {
    let desk = Desk::of_role(&format!("{TABLES} GRANT ALL ON p, c TO $role;")).await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let error = transaction.apply(&parents(), inserts(&ints([[10, 10]])), ApplyMode::InPlace).await.unwrap_err();
    assert_eq!(error.code(), Code::TableDenied, "{error:?}");
    assert!(error.next_steps().iter().any(|step| step.action.contains("session_replication_role")), "what to ask for");
    drop(transaction);
    drop(writer);
    assert_eq!(write(&desk, &children(), inserts(&ints([[3, 3]]))).await.inserted, 1, "other tables are written to");
    let role = format!("role_of_{}", desk.database.name());
    desk.database.psql(&format!("GRANT SET ON PARAMETER session_replication_role TO {role}"));
    assert_eq!(write(&desk, &children(), inserts(&ints([[4, 3]]))).await.inserted, 1);
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.load(&children(), batch(2, &[vec![Value::Int(5), Value::Int(77)]])).await.unwrap();
    assert!(applied.is_empty(), "references act no more");
    drop(transaction);
    desk.database.psql(&format!("REVOKE SET ON PARAMETER session_replication_role FROM {role}"));
}
