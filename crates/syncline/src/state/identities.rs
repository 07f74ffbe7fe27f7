//! Identities of databases that an earlier version wrote down less exactly.

use rusqlite::{Connection, Transaction, params};
use syncline_core::error::Result;

use super::State;
use super::database::Outcome;

/// Where identities stand.
const COLUMNS: &[(&str, &str)] = &[
    ("run", "target_identity"),
    ("run", "source_identity"),
    ("ledger_table", "target_identity"),
    ("ledger_table", "source_identity"),
    ("incarnation", "target_identity"),
];

impl State {
    /// Keeps under the present identity of a database what was kept under its former one. Whoever bears the former one
    /// first is taken for the database that it was written down for: nothing tells whether it is.
    pub async fn rename_identity(&self, former: &str, present: &str) -> Result<()> {
        let (former, present) = (former.to_owned(), present.to_owned());
        let sought = former.clone();
        let is_known =
            self.database.read("look up a database", move |connection| Ok(is_known(connection, &sought)?)).await?;
        if !is_known {
            return Ok(());
        }
        self.database.write("keep a database's identity", move |tx| rename(tx, &former, &present)).await
    }
}

fn is_known(connection: &Connection, identity: &str) -> rusqlite::Result<bool> {
    for (table, column) in COLUMNS {
        let select = format!("SELECT 1 FROM {table} WHERE {column} = ?1");
        if connection.prepare_cached(&select)?.exists([identity])? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn rename(tx: &Transaction<'_>, former: &str, present: &str) -> Outcome<()> {
    for (table, column) in COLUMNS {
        // What is there under both names keeps them: only a file system that forgets births can bring that about.
        tx.execute(
            &format!("UPDATE OR IGNORE {table} SET {column} = ?2 WHERE {column} = ?1"),
            params![former, present],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{NewRun, RunVerb, fixtures};

    fn run(verb: RunVerb, target_identity: &str) -> NewRun {
        NewRun { verb, target_identity: target_identity.into(), request: None, ..fixtures::run(1) }
    }

    #[tokio::test]
    async fn what_was_kept_is_found_under_the_present_identity() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).await.unwrap();
        let id = state.begin_run(run(RunVerb::Restore, "sqlite:1:2")).await.unwrap();
        state.begin_incarnation(&id).await.unwrap();
        let other = state.begin_run(run(RunVerb::Mirror, "sqlite:1:21")).await.unwrap();
        for _ in 0..2 {
            state.rename_identity("sqlite:1:2", "sqlite:1:2:7").await.unwrap();
            state.rename_identity("sqlite:1:1", "sqlite:1:1:5").await.unwrap();
        }
        assert_eq!(state.incarnation("sqlite:1:2:7").await.unwrap(), 2);
        let found = state.find_run(&id).await.unwrap();
        assert_eq!(found.target_identity, "sqlite:1:2:7");
        assert_eq!(found.source_identity.as_deref(), Some("sqlite:1:1:5"));
        assert_eq!(state.find_run(&other).await.unwrap().target_identity, "sqlite:1:21");
        let unfinished = state.unfinished_runs("sqlite:1:2:7").await.unwrap();
        assert_eq!(unfinished.iter().map(|run| &run.id).collect::<Vec<_>>(), [&id]);
    }
}
