//! Which plans were carried out.

use rusqlite::{OptionalExtension, params};
use syncline_core::error::Result;

use super::State;
use crate::plan::spent;

impl State {
    /// The run that has carried a plan out, if one has.
    pub async fn plan_spent_by(&self, plan: &str) -> Result<Option<String>> {
        let plan = plan.to_owned();
        self.database
            .read("look up a plan", move |connection| {
                let mut statement = connection.prepare_cached("SELECT run FROM plan WHERE id = ?1")?;
                Ok(statement.query_row([plan], |row| row.get(0)).optional()?)
            })
            .await
    }

    /// Records that a run is about to carry a plan out.
    ///
    /// # Errors
    /// `PLAN_SPENT` when another run has, or is about to.
    pub async fn spend_plan(&self, plan: &str, run: &str, now_ms: i64) -> Result<()> {
        let (plan, run) = (plan.to_owned(), run.to_owned());
        self.database
            .write("record that a plan is carried out", move |tx| {
                let insert = "INSERT INTO plan (id, run, spent_ms) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING";
                if tx.execute(insert, params![plan, run, now_ms])? == 1 {
                    return Ok(());
                }
                let by: String = tx.query_row("SELECT run FROM plan WHERE id = ?1", [&plan], |row| row.get(0))?;
                Err(spent(&plan, &by).into())
            })
            .await
    }
}
