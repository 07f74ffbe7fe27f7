//! What pointed at nothing before a run: it may do so again when the run is taken back.

use rusqlite::{Transaction, params};
use syncline_core::apply::Dangled;
use syncline_core::change::Mark;
use syncline_core::error::Result;
use syncline_core::state::DanglingRecord;

use super::State;
use super::database::Outcome;

/// Bytes of a mark.
const MARK: usize = size_of::<u128>();

impl State {
    /// What a run has recorded.
    pub async fn dangled(&self, run: &str) -> Result<Dangled> {
        let run = run.to_owned();
        let select = "SELECT sum, marks FROM dangling WHERE run = ?1 ORDER BY sequence";
        self.database
            .read("read what pointed at nothing", move |connection| {
                let mut statement = connection.prepare_cached(select)?;
                let records = statement.query_map([run], |row| {
                    let sum: Option<[u8; MARK]> = row.get(0)?;
                    let (marks, _) = row.get_ref(1)?.as_blob()?.as_chunks::<MARK>();
                    let marks = marks.iter().map(|bytes| Mark(u128::from_be_bytes(*bytes))).collect();
                    Ok(DanglingRecord { sum: sum.map(u128::from_be_bytes), marks })
                })?;
                Ok(Dangled::new(records.collect::<rusqlite::Result<Vec<_>>>()?))
            })
            .await
    }
}

pub(super) fn insert(tx: &Transaction<'_>, run: &str, records: &[DanglingRecord]) -> Outcome<()> {
    let mut statement = tx.prepare_cached("INSERT INTO dangling (run, sum, marks) VALUES (?1, ?2, ?3)")?;
    for record in records {
        let marks: Vec<u8> = record.marks.iter().flat_map(|mark| mark.0.to_be_bytes()).collect();
        statement.execute(params![run, record.sum.map(u128::to_be_bytes), marks])?;
    }
    Ok(())
}

pub(super) fn drop_of(tx: &Transaction<'_>, run: &str) -> Outcome<()> {
    tx.prepare_cached("DELETE FROM dangling WHERE run = ?1")?.execute([run])?;
    Ok(())
}

/// Forgets it when nothing was changed, so that nothing is taken back.
pub(super) fn drop_useless(tx: &Transaction<'_>, run: &str) -> Outcome<()> {
    let drop = "DELETE FROM dangling WHERE run = ?1
           AND NOT EXISTS (SELECT 1 FROM evidence_table WHERE evidence_table.run = ?1)
           AND NOT EXISTS (SELECT 1 FROM load WHERE load.run = ?1)";
    tx.prepare_cached(drop)?.execute([run])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use syncline_core::change::Image;
    use syncline_core::state::{Evidence, TableRecord};

    use super::*;
    use crate::state::fixtures::{end, open, record, run};

    fn records() -> Vec<DanglingRecord> {
        let marks = vec![Mark(1), Mark(u128::MAX), Mark(7 << 64)];
        vec![DanglingRecord { sum: Some(5), marks: Vec::new() }, DanglingRecord { sum: None, marks }]
    }

    /// A run that has recorded this, and an image where it has changed something.
    async fn sealed(state: &State, has_changed: bool) -> String {
        let id = state.begin_run(run(0)).await.unwrap();
        let evidence = state.evidence(&id);
        evidence.record_dangling(&records()).await.unwrap();
        evidence
            .record_table(&TableRecord { table: "t".into(), in_target: None, columns: Vec::new(), sequence: None })
            .await
            .unwrap();
        if has_changed {
            let image = Image { key: vec![1], before: None, place: None, after: None };
            record(&evidence, 1, "t", vec![image]).await.unwrap();
        }
        evidence.seal(1).await.unwrap();
        state.finish_run(&id, end(false)).await.unwrap();
        id
    }

    #[tokio::test]
    async fn it_is_kept_as_long_as_there_is_something_to_undo() {
        let (_dir, state) = open().await;
        let (idle, busy) = (sealed(&state, false).await, sealed(&state, true).await);
        assert_eq!(state.dangled(&idle).await.unwrap(), Dangled::default());
        assert_eq!(state.dangled(&busy).await.unwrap(), Dangled::new(records()));
        assert_eq!(state.expire_images(i64::MAX).await.unwrap(), 1);
        assert_eq!(state.dangled(&busy).await.unwrap(), Dangled::default());
    }
}
