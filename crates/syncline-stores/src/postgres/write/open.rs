//! An open transaction: what it has looked up, made and changed so far.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use syncline_core::change::{Refusal, TableTask};
use syncline_core::schema::TableSchema;

use super::define::WaitingKey;
use super::displaced::Memory;
use super::session::Session;
use super::stage::Stage;
use super::target::Target;
use super::triggers;
use crate::postgres::bulk::{self, Loading};
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::Names;

/// What holds in every transaction of a writer. Deferred constraints are checked at once, because a row at fault must be
/// known when it is written; and rows are looked up by their keys one by one, because the server, which knows nothing of
/// tables that were just made, might as well go through the whole table to find a few rows.
pub(in crate::postgres) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET CONSTRAINTS ALL IMMEDIATE; \
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// Before a statement that has to do with whole tables.
pub(in crate::postgres) const AT_LARGE: &str = "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on";

/// After it.
pub(in crate::postgres) const ONE_BY_ONE: &str = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// A transaction of a writer.
pub(in crate::postgres) struct Open<'w> {
    pub(in crate::postgres) session: &'w Session,
    pub(in crate::postgres) names: &'w Names,
    /// Neither triggers nor references act, because the session counts as one that replicates.
    pub(in crate::postgres) replicates: bool,
    targets: HashMap<String, Arc<Target>>,
    /// Tables whose triggers do not fire.
    silent: BTreeSet<String>,
    stages: HashMap<(String, Vec<usize>), Stage>,
    pub(super) memories: HashMap<String, Memory>,
    /// Statements that put back what was switched off, before the commit.
    pub(in crate::postgres) restores: Vec<String>,
    /// Rows on their way into a table. As long as there are some, the session can do nothing else.
    pub(in crate::postgres) loading: Option<Loading>,
    /// What became of rows that had been on their way when something else was asked for.
    pub(in crate::postgres) refused: Vec<Refusal>,
    /// Tables that were created and have no primary key yet, with the task by which they were filled.
    pub(in crate::postgres) keyless: Vec<(WaitingKey, Option<TableTask>)>,
    /// Tables that rows were put into.
    pub(in crate::postgres) filled: BTreeSet<String>,
    /// Rows were locked that stay locked until the end.
    pub(super) holds_rows: bool,
    /// Tables that nobody else writes to until the end.
    held: BTreeSet<String>,
    made: usize,
}

impl<'w> Open<'w> {
    pub(in crate::postgres) fn new(session: &'w Session, names: &'w Names, replicates: bool) -> Self {
        Self {
            session,
            names,
            replicates,
            targets: HashMap::new(),
            silent: BTreeSet::new(),
            stages: HashMap::new(),
            memories: HashMap::new(),
            restores: Vec::new(),
            loading: None,
            refused: Vec::new(),
            keyless: Vec::new(),
            filled: BTreeSet::new(),
            holds_rows: false,
            held: BTreeSet::new(),
            made: 0,
        }
    }

    /// Frees the session of rows that are on their way, and gives tables their keys. What was refused waits for the next call
    /// that loads.
    pub(in crate::postgres) async fn settle(&mut self) -> Attempt<()> {
        let refused = bulk::settle(self).await?;
        self.refused.extend(refused);
        Ok(())
    }

    /// The table of a task, to be read.
    pub(in crate::postgres) async fn look(&mut self, table: &TableSchema) -> Attempt<Arc<Target>> {
        if let Some(target) = self.targets.get(&table.name) {
            return Ok(Arc::clone(target));
        }
        let target = Arc::new(Target::find(self.session, self.names, table).await?);
        self.targets.insert(table.name.clone(), Arc::clone(&target));
        Ok(target)
    }

    /// The table of a task, to be written to: from here on no trigger of the application fires for it.
    pub(in crate::postgres) async fn target(&mut self, table: &TableSchema) -> Attempt<Arc<Target>> {
        let target = self.look(table).await?;
        if self.silent.insert(table.name.clone()) {
            triggers::switch_off(self, &target).await?;
        }
        Ok(target)
    }

    /// A place for rows with values for these columns of the table.
    pub(in crate::postgres) async fn stage(&mut self, target: &Target, columns: &[usize]) -> Attempt<Stage> {
        let key = (target.name.clone(), columns.to_vec());
        if let Some(stage) = self.stages.get(&key) {
            return Ok(stage.clone());
        }
        let number = self.number();
        let stage = Stage::create(self.session, target, columns, number).await?;
        self.stages.insert(key, stage.clone());
        Ok(stage)
    }

    /// A number that no other temporary table of the transaction has.
    pub(in crate::postgres) fn number(&mut self) -> usize {
        self.made += 1;
        self.made
    }

    /// Nobody else writes to the table from here on; who has written to it has committed. Reading goes on.
    pub(in crate::postgres) async fn hold(&mut self, task: &TableTask) -> Attempt<()> {
        if self.held.contains(&task.table.name) {
            return Ok(());
        }
        let table = self.names.table(&task.table)?;
        self.session.run(&format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")).await?;
        self.held.insert(task.table.name.clone());
        Ok(())
    }

    /// Forgets what was known of tables: they have been changed.
    pub(in crate::postgres) fn forget_targets(&mut self) {
        self.targets.clear();
        self.stages.clear();
    }
}
