//! What the first half of an exchange must remember for the second: the rows that left the table, with those of their
//! cells that are not carried, and those that were left alone. Kept in a temporary table, because an exchange may take a
//! whole table.

use super::open::Open;
use super::target::Target;
use crate::mysql::connect::failure::Attempt;

/// The memory of one table's exchange, which ends with the transaction.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// The temporary table: whether it has left, then the key and what is kept, each called as in the target.
    pub(super) table: String,
    key: Vec<usize>,
    kept: Vec<usize>,
}

impl Memory {
    /// The memory of the table in the open transaction; it is empty at first.
    pub(super) async fn of(open: &mut Open<'_>, target: &Target, key: &[usize], kept: &[usize]) -> Attempt<Self> {
        if let Some(memory) = open.memories.get(&target.name) {
            return Ok(memory.clone());
        }
        let table = open.session.temporary_name();
        let columns = target.columns(key).chain(target.columns(kept));
        let columns: String = columns.map(|column| format!(", {} {} NULL", column.name, column.type_name)).collect();
        let keys = target.listed("", key);
        open.session.run(format!("DROP TEMPORARY TABLE IF EXISTS {table}")).await?;
        let sql = format!(
            "CREATE TEMPORARY TABLE {table} (_syncline_m bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, \
             _syncline_gone tinyint NOT NULL{columns}, KEY ({keys})) ENGINE = InnoDB"
        );
        open.session.run(sql).await?;
        let memory = Self { table, key: key.to_vec(), kept: kept.to_vec() };
        open.memories.insert(target.name.clone(), memory.clone());
        Ok(memory)
    }

    /// What of a row `t` goes there, as what stands between the table and FROM.
    pub(super) fn remembered(&self, target: &Target) -> String {
        let columns: Vec<usize> = self.key.iter().chain(&self.kept).copied().collect();
        format!("(_syncline_gone, {}) SELECT 1, {}", target.listed("", &columns), target.listed("t.", &columns))
    }

    /// The same of a row `s` that was left alone.
    pub(super) fn left_alone(&self, target: &Target) -> String {
        format!("(_syncline_gone, {}) SELECT 0, {}", target.listed("", &self.key), target.listed("s.", &self.key))
    }
}
