//! An open transaction: what it has looked up, made and changed so far.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use syncline_core::change::{Refusal, TableTask};
use syncline_core::schema::TableSchema;

use super::beside::Beside;
use super::displaced::Memory;
use super::pending::Step;
use super::session::Session;
use super::stage::Stage;
use super::target::Target;
use crate::mysql::bulk::{self, Loading};
use crate::mysql::connect::Connection;
use crate::mysql::connect::failure::Attempt;

/// A transaction of a writer.
pub(in crate::mysql) struct Open<'w> {
    pub(in crate::mysql) session: &'w Session,
    /// A session without a transaction: for definitions, which would end one, and for what the catalog says.
    pub(in crate::mysql) catalog: &'w Connection,
    targets: HashMap<String, Arc<Target>>,
    stages: HashMap<(String, Vec<usize>), Stage>,
    pub(super) memories: HashMap<String, Memory>,
    /// Tables that nobody else writes to until the end.
    held: BTreeSet<String>,
    /// What is to be done once the rows are committed, in this order.
    pub(super) steps: Vec<Step>,
    /// Tables that were made, by what they are to be called, and what they are called until then.
    pub(super) hidden: Vec<(String, String)>,
    /// Sessions that load tables which nobody sees yet.
    pub(in crate::mysql) beside: &'w Beside,
    /// Numbers that tables are to go on from.
    pub(super) counters: HashMap<String, Option<i64>>,
    /// Rows that are on their way.
    pub(in crate::mysql) loading: Option<Loading>,
    /// What was refused of them, and nobody was told yet.
    pub(in crate::mysql) refused: Vec<Refusal>,
    /// Tables that go together, and may reference each other.
    pub(super) leaving: BTreeSet<String>,
}

impl<'w> Open<'w> {
    pub(in crate::mysql) fn new(session: &'w Session, catalog: &'w Connection, beside: &'w Beside) -> Self {
        Self {
            session,
            catalog,
            beside,
            targets: HashMap::new(),
            stages: HashMap::new(),
            memories: HashMap::new(),
            held: BTreeSet::new(),
            steps: Vec::new(),
            hidden: Vec::new(),
            counters: HashMap::new(),
            loading: None,
            refused: Vec::new(),
            leaving: BTreeSet::new(),
        }
    }

    /// Frees the session of rows that are on their way. What was refused waits for the next call of a load.
    pub(super) async fn settle(&mut self) -> Attempt<()> {
        let refused = bulk::settle(self).await?;
        self.refused.extend(refused);
        Ok(())
    }

    /// What the table with this name is called as long as the transaction is open.
    pub(in crate::mysql) fn place<'n>(&'n self, table: &'n str) -> &'n str {
        let spelled = self.hidden.iter().find(|(name, _)| name == table);
        let found = spelled.or_else(|| self.hidden.iter().find(|(name, _)| name.eq_ignore_ascii_case(table)));
        found.map_or(table, |(_, hidden)| hidden)
    }

    /// Whether the table was made in this transaction, so that nobody else knows it yet.
    pub(in crate::mysql) fn is_hidden(&self, table: &str) -> bool {
        self.place(table) != table
    }

    /// The table of a task.
    pub(in crate::mysql) async fn target(&mut self, table: &TableSchema) -> Attempt<Arc<Target>> {
        if let Some(target) = self.targets.get(&table.name) {
            return Ok(Arc::clone(target));
        }
        let target = Arc::new(Target::find(self.catalog, table, self.place(&table.name)).await?);
        self.targets.insert(table.name.clone(), Arc::clone(&target));
        Ok(target)
    }

    /// A place for rows with values for these columns of the table.
    pub(in crate::mysql) fn stage(&mut self, target: &Target, columns: &[usize]) -> Stage {
        let key = (target.name.clone(), columns.to_vec());
        self.stages.entry(key).or_insert_with(|| Stage::new(self.session, columns)).clone()
    }

    /// Nobody else writes to the table from here on; who has written to it has committed. Reading goes on. All rows are
    /// locked, with the places between and behind them: the engine has no lock on a table that a transaction could hold.
    pub(in crate::mysql) async fn hold(&mut self, task: &TableTask) -> Attempt<()> {
        if self.held.contains(&task.table.name) {
            return Ok(());
        }
        let target = self.target(&task.table).await?;
        // In this mode whichever index is read leads to the rows, and locks them too.
        let whole = format!("SELECT COUNT(*) FROM {} FOR UPDATE", target.table);
        self.session.numbers(whole).await?;
        self.held.insert(task.table.name.clone());
        Ok(())
    }

    /// What is to be done once the rows are committed: tables get their names before anything else is done with them.
    pub(super) fn all_steps(&self) -> Vec<Step> {
        let count =
            |(table, last): (&String, &Option<i64>)| Step::Count { table: table.clone(), last: last.unwrap_or(0) };
        self.steps.iter().cloned().chain(self.counters.iter().map(count)).collect()
    }

    /// Forgets what was known of tables: they have been changed.
    pub(in crate::mysql) fn forget_targets(&mut self) {
        self.targets.clear();
        self.stages.clear();
    }
}
