//! Where runs have left the AUTOINCREMENT counters of the tables they wrote to.

use rusqlite::{OptionalExtension, Transaction, params};
use syncline_core::apply::Counter;
use syncline_core::error::Result;
use syncline_core::state::CounterRecord;

use super::State;
use super::database::Outcome;

impl State {
    /// Where a run has left the counter of a table, or what has taken the run back since, wholly or in part. `None` where
    /// nobody has taken note.
    pub async fn counter_left(&self, run: &str, table: &str) -> Result<Option<Counter>> {
        let values = [run.to_owned(), table.to_owned()];
        let select = "WITH RECURSIVE line (id) AS ( \
                 SELECT ?1 UNION SELECT run.id FROM run JOIN line ON run.undoes = line.id) \
             SELECT counter.row_number, counter.is_shared FROM counter \
                 JOIN line ON line.id = counter.run JOIN run ON run.id = counter.run \
             WHERE counter.name = ?2 ORDER BY run.sequence DESC, counter.batch DESC LIMIT 1";
        self.database
            .read("look up where a run has left a counter", move |connection| {
                let mut statement = connection.prepare_cached(select)?;
                let counter =
                    statement.query_row(values, |row| Ok(Counter { left: row.get(0)?, is_shared: row.get(1)? }));
                Ok(counter.optional()?)
            })
            .await
    }
}

/// Keeps a counter with its batch. What the batch before it has left is kept until this one is known to be durable.
pub(super) fn insert(tx: &Transaction<'_>, run: &str, batch: i64, counter: &CounterRecord) -> Outcome<()> {
    tx.prepare_cached(
        "DELETE FROM counter WHERE run = ?1 AND name = ?2 AND batch < ( \
             SELECT max(batch) FROM counter WHERE run = ?1 AND name = ?2 AND batch < ?3)",
    )?
    .execute(params![run, counter.table, batch])?;
    tx.prepare_cached("INSERT INTO counter (run, name, batch, row_number, is_shared) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![run, counter.table, batch, counter.left, counter.is_shared])?;
    Ok(())
}

/// Forgets what batches have left that are not in the target.
pub(super) fn drop_batches(tx: &Transaction<'_>, run: &str, first: i64, last: i64) -> Outcome<()> {
    tx.prepare_cached("DELETE FROM counter WHERE run = ?1 AND batch BETWEEN ?2 AND ?3")?
        .execute(params![run, first, last])?;
    Ok(())
}

/// Forgets what was left in tables of which nothing can be taken back.
pub(super) fn drop_useless(tx: &Transaction<'_>, run: &str) -> Outcome<()> {
    let delete = "DELETE FROM counter WHERE run = ?1 \
         AND NOT EXISTS (SELECT 1 FROM evidence_table AS kept WHERE kept.run = ?1 AND kept.name = counter.name) \
         AND NOT EXISTS (SELECT 1 FROM load WHERE load.run = ?1 AND load.name = counter.name)";
    tx.prepare_cached(delete)?.execute([run])?;
    Ok(())
}

/// Forgets all that a run has left.
pub(super) fn drop_of(tx: &Transaction<'_>, run: &str) -> Outcome<()> {
    tx.execute("DELETE FROM counter WHERE run = ?1", [run])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use syncline_core::change::Image;
    use syncline_core::state::{Evidence, TableRecord};

    use super::*;
    use crate::state::fixtures::{open, record, run, undo};

    async fn begin(state: &State, undoes: Option<&str>) -> String {
        state.begin_run(undoes.map_or_else(|| run(0), undo)).await.unwrap()
    }

    /// A batch that changes a row of `t` and leaves its counter here.
    async fn batch(state: &State, run: &str, number: u64, left: i64) {
        let evidence = state.evidence(run);
        evidence
            .record_table(&TableRecord { table: "t".into(), in_target: None, columns: Vec::new(), sequence: None })
            .await
            .unwrap();
        let image = Image { key: vec![number as u8], before: Some(vec![1]), place: None, after: None };
        record(&evidence, number, "t", vec![image]).await.unwrap();
        let counter = CounterRecord { table: "t".into(), left: Some(left), is_shared: false };
        evidence.record_counter(number, &counter).await.unwrap();
    }

    #[tokio::test]
    async fn what_the_last_durable_batch_has_left_counts() {
        let (_dir, state) = open().await;
        let run = begin(&state, None).await;
        assert_eq!(state.counter_left(&run, "t").await.unwrap(), None);
        let own = |left| Some(Counter { left: Some(left), is_shared: false });
        for number in 1..=3 {
            batch(&state, &run, number, 10 * number as i64).await;
        }
        assert_eq!(state.counter_left(&run, "t").await.unwrap(), own(30));
        state.evidence(&run).seal(2).await.unwrap();
        assert_eq!(state.counter_left(&run, "t").await.unwrap(), own(20), "the last batch never came");
        let undo = begin(&state, Some(&run)).await;
        batch(&state, &undo, 1, 25).await;
        assert_eq!(state.counter_left(&run, "t").await.unwrap(), own(25), "a part was taken back");
        state.evidence(&undo).seal(0).await.unwrap();
        assert_eq!(state.counter_left(&run, "t").await.unwrap(), own(20));
        state.evidence(&run).seal(0).await.unwrap();
        assert_eq!(state.counter_left(&run, "t").await.unwrap(), None);
    }
}
