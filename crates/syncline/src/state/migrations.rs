//! The tables of `state.db`, version by version. A released version is never edited; a change is a new one.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::database::{Outcome, state_failed};

/// "Sync", in SQLite's header: this file is ours.
const APPLICATION: i32 = i32::from_be_bytes(*b"Sync");

/// The step at position n leads from version n to n + 1.
const STEPS: &[&str] = &[FIRST, PLANS, LEDGER, INCARNATIONS, DANGLING, COUNTERS, FORMS, TARGETS, SKETCHES, GIVEN];

const FIRST: &str = "
    CREATE TABLE run (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        verb TEXT NOT NULL,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        target_identity TEXT NOT NULL,
        status TEXT NOT NULL,
        verified TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        ended_ms INTEGER,
        request TEXT,
        undoes TEXT REFERENCES run (id),
        undone_by TEXT REFERENCES run (id),
        continues TEXT REFERENCES run (id),
        keeps_images INTEGER NOT NULL,
        written_rows INTEGER NOT NULL DEFAULT 0,
        summary TEXT,
        error TEXT,
        cancel_requested INTEGER NOT NULL DEFAULT 0,
        sealed_batch INTEGER
    ) STRICT;
    CREATE INDEX run_running ON run (target_identity) WHERE status = 'running';

    CREATE TABLE log (
        sequence INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES run (id),
        at_ms INTEGER NOT NULL,
        level TEXT NOT NULL,
        message TEXT NOT NULL
    ) STRICT;
    CREATE INDEX log_of_run ON log (run);

    CREATE TABLE evidence_table (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL REFERENCES run (id),
        name TEXT NOT NULL,
        columns TEXT NOT NULL,
        row_number INTEGER,
        bytes INTEGER NOT NULL DEFAULT 0,
        UNIQUE (run, name)
    ) STRICT;

    -- A row that changes twice in a run has two images: the first says what it was, the last what was left there.
    CREATE TABLE image (
        sequence INTEGER PRIMARY KEY,
        table_id INTEGER NOT NULL REFERENCES evidence_table (id),
        batch INTEGER NOT NULL,
        place INTEGER,
        after BLOB,
        key BLOB NOT NULL,
        before BLOB
    ) STRICT;
    CREATE INDEX image_in_order ON image (table_id);
    CREATE INDEX image_by_key ON image (table_id, key);

    CREATE TABLE load (
        sequence INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES run (id),
        batch INTEGER NOT NULL,
        name TEXT NOT NULL,
        columns TEXT NOT NULL,
        created INTEGER NOT NULL,
        sum BLOB NOT NULL,
        row_number INTEGER
    ) STRICT;
    CREATE INDEX load_of_run ON load (run);
";

/// Plans that were carried out.
const PLANS: &str = "
    CREATE TABLE plan (
        id TEXT PRIMARY KEY,
        run TEXT NOT NULL REFERENCES run (id),
        spent_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// The ledger: what a run held, and the entries that people see once the run is sealed.
const LEDGER: &str = "
    -- Unknown for runs from before, and for an undo, which reads no source.
    ALTER TABLE run ADD COLUMN source_identity TEXT;

    -- The databases by identity, and by the names that whoever replaces one of them inherits.
    CREATE TABLE ledger_table (
        id INTEGER PRIMARY KEY,
        source_identity TEXT NOT NULL,
        target_identity TEXT NOT NULL,
        source_database TEXT NOT NULL,
        target_database TEXT NOT NULL,
        name TEXT NOT NULL,
        target_name TEXT NOT NULL,
        UNIQUE (source_identity, target_identity, name)
    ) STRICT;

    -- What many held rows have in common: their columns as the source and as the target names them, and the like.
    CREATE TABLE row_shape (
        id INTEGER PRIMARY KEY,
        columns TEXT NOT NULL,
        target_columns TEXT NOT NULL,
        key TEXT NOT NULL,
        sight TEXT NOT NULL,
        UNIQUE (columns, target_columns, key, sight)
    ) STRICT;

    -- A row as a run held it. It has a batch until its run is sealed; from then on an entry says that it counts.
    CREATE TABLE held_row (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES run (id),
        batch INTEGER,
        table_id INTEGER NOT NULL REFERENCES ledger_table (id),
        shape_id INTEGER NOT NULL REFERENCES row_shape (id),
        operation TEXT NOT NULL,
        reason TEXT NOT NULL,
        words TEXT NOT NULL,
        key BLOB NOT NULL,
        source BLOB,
        target BLOB
    ) STRICT;
    CREATE INDEX held_row_pending ON held_row (run, batch) WHERE batch IS NOT NULL;

    -- Values in the canonical encoding beside those in the exact one: 1 finds 1.0.
    CREATE TABLE awaited (
        row_id INTEGER NOT NULL REFERENCES held_row (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        target_name TEXT NOT NULL,
        columns TEXT NOT NULL,
        exact BLOB NOT NULL,
        canonical BLOB NOT NULL,
        PRIMARY KEY (row_id, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX awaited_by_value ON awaited (target_name COLLATE NOCASE, columns, canonical);

    CREATE TABLE conflict (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        table_id INTEGER NOT NULL REFERENCES ledger_table (id),
        key BLOB NOT NULL,
        row_id INTEGER NOT NULL UNIQUE REFERENCES held_row (id),
        first_run TEXT NOT NULL REFERENCES run (id),
        last_run TEXT NOT NULL REFERENCES run (id),
        settled_by TEXT REFERENCES run (id),
        settled_ms INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX conflict_open ON conflict (table_id, key) WHERE settled_by IS NULL;
    CREATE INDEX conflict_settled ON conflict (settled_by) WHERE settled_by IS NOT NULL;
";

/// Restores: each begins an incarnation of its target, and every run knows in which one it wrote.
const INCARNATIONS: &str = "
    CREATE TABLE incarnation (
        target_identity TEXT NOT NULL,
        number INTEGER NOT NULL,
        begun_by TEXT NOT NULL REFERENCES run (id),
        PRIMARY KEY (target_identity, number)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE run ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE run ADD COLUMN backup TEXT;
";

/// What pointed at nothing before a run, by one foreign key a row. The marks stand one behind the other.
const DANGLING: &str = "
    CREATE TABLE dangling (
        sequence INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES run (id),
        sum BLOB,
        marks BLOB NOT NULL
    ) STRICT;
    CREATE INDEX dangling_of_run ON dangling (run);
";

/// Where the batches of a run have left the AUTOINCREMENT counters.
const COUNTERS: &str = "
    CREATE TABLE counter (
        run TEXT NOT NULL REFERENCES run (id),
        name TEXT NOT NULL,
        batch INTEGER NOT NULL,
        row_number INTEGER,
        is_shared INTEGER NOT NULL,
        PRIMARY KEY (run, name, batch)
    ) STRICT, WITHOUT ROWID;
";

/// In which forms the rows of a load were seen whose digest is kept.
const FORMS: &str = "ALTER TABLE load ADD COLUMN forms TEXT";

/// What the tables of a run are called in its target.
const TARGETS: &str = "
    ALTER TABLE evidence_table ADD COLUMN in_target TEXT;
    ALTER TABLE load ADD COLUMN in_target TEXT;
";

/// Which rows a load has left.
const SKETCHES: &str = "ALTER TABLE load ADD COLUMN sketch BLOB";

/// Columns of a target that no statement can set in a row that is there. Of tables held before, none are known.
const GIVEN: &str = "ALTER TABLE ledger_table ADD COLUMN given TEXT";

/// Makes sure that the database is ours and no newer than this program, before anything is written to it.
pub(super) fn check(connection: &Connection, path: &Path) -> Outcome<()> {
    let application: i32 = pragma(connection, "application_id")?;
    let version: i64 = pragma(connection, "user_version")?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let is_new = application == 0 && version == 0 && tables == 0;
    if application != APPLICATION && !is_new {
        let failed = state_failed(path, "use the state directory").because("its state.db is another program's");
        return Err(failed.leaving("it was not changed").into());
    }
    let known = STEPS.len() as i64;
    if version > known {
        let why = format!("a newer version of Syncline wrote it: its format is {version}, this program knows {known}");
        return Err(state_failed(path, "use the state directory").because(why).leaving("it was not changed").into());
    }
    Ok(())
}

/// Takes the steps that are missing, each in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Outcome<()> {
    loop {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check(&tx, path)?;
        let version: i64 = pragma(&tx, "user_version")?;
        let Some(step) = usize::try_from(version).ok().and_then(|version| STEPS.get(version)) else { return Ok(()) };
        tx.execute_batch(step)?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", version + 1)?;
        tx.commit()?;
    }
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> rusqlite::Result<T> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_has_recorded_is_kept() {
        let mut old = Connection::open_in_memory().unwrap();
        old.execute_batch(FIRST).unwrap();
        old.pragma_update(None, "application_id", APPLICATION).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        let insert =
            "INSERT INTO run (id, verb, source, target, target_identity, status, verified, started_ms, keeps_images)
             VALUES ('r_1', 'mirror', 'a', 'b', 'i', 'succeeded', 'equal', 7, 1)";
        old.execute_batch(insert).unwrap();
        migrate(&mut old, Path::new("state.db")).unwrap();
        migrate(&mut old, Path::new("state.db")).unwrap();
        assert_eq!(pragma::<i64>(&old, "user_version").unwrap(), STEPS.len() as i64);
        let select = "SELECT incarnation, backup, started_ms FROM run WHERE id = 'r_1'";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let found: (i64, Option<String>, i64) = old.query_row(select, [], row).unwrap();
        assert_eq!(found, (1, None, 7));
    }
}
