//! The two halves of an exchange: rows leave their places, and take each other's.

use std::collections::{BTreeMap, HashMap};

use syncline_core::change::PutBatch;

use super::Apply;
use super::delete::FOR_DELETE;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::write::displaced::Memory;
use crate::postgres::write::picked::Picked;
use crate::postgres::write::session::bug;
use crate::postgres::write::target::{joined, key_columns};
use crate::refused::{Objection, Refused};
use crate::standing::{Found, Standing, standings};

impl Apply<'_, '_> {
    pub(super) async fn displace(&mut self, batch: &PutBatch) -> Attempt<usize> {
        // Rows that do not come as far as the stage stay where they are; the second half says so.
        let (fitted, unstaged) = self.stage.fill(self.open.session, (self.task, &self.target), &batch.rows).await?;
        let (found, end) = self.find(batch.rows.len(), FOR_DELETE).await?;
        let unstaged: BTreeMap<_, _> = unstaged.into_iter().collect();
        let numbers = (0..end as u32).filter(|number| !unstaged.contains_key(number));
        let standings = standings(self.task, batch, numbers, &found)?;
        let [present, done, moved] =
            [Standing::Present, Standing::Done, Standing::Moved].map(|standing| standing.among(&standings));
        self.moved(batch, &moved, &found).await?;
        let stored = self.stored(&fitted.rows, &present).await?;
        let (present, unchangeable) = self.unchangeable(present, &stored, &found)?;
        let mut refused = self.leave(&present).await?;
        refused.extend(unchangeable);
        for number in present.iter().filter(|number| !refused.contains_key(number)) {
            let image = self.image_of_change(*number, &stored, &found)?;
            self.keep(image);
        }
        let mut alone: Vec<u32> = done.into_iter().chain(moved).chain(refused.keys().copied()).collect();
        alone.sort_unstable();
        self.leave_alone(&alone).await?;
        self.refuse_all(batch, BTreeMap::new(), refused.into_iter().collect(), &found).await?;
        Ok(end)
    }

    pub(super) async fn place(&mut self, batch: &PutBatch) -> Attempt<usize> {
        let (fitted, unstaged) = self.stage.fill(self.open.session, (self.task, &self.target), &batch.rows).await?;
        let unstaged: BTreeMap<_, _> = unstaged.into_iter().collect();
        let fates = self.fates().await?;
        let staged = (0..batch.rows.len() as u32).filter(|number| !unstaged.contains_key(number));
        let (mut back, mut new) = (Vec::new(), Vec::new());
        for number in staged {
            match fates.get(&number) {
                Some(true) => back.push(number),
                Some(false) => {}
                None => new.push(number),
            }
        }
        let refused = self.put_back(&back).await?;
        self.applied.updated += (back.len() - refused.len()) as u64;
        // They are not there, or so it was said: what is found is moved.
        let found = if new.is_empty() { Found::nothing() } else { self.read(&new).await? };
        let standings = standings(self.task, batch, new.iter().copied(), &found)?;
        if standings.iter().any(|(_, standing)| *standing == Standing::Present) {
            return Err(bug("a row was placed that had not been displaced"));
        }
        let [inserts, moved] = [Standing::Absent, Standing::Moved].map(|standing| standing.among(&standings));
        self.moved(batch, &moved, &found).await?;
        let stored = self.stored(&fitted.rows, &inserts).await?;
        let objections = self.insert(&inserts).await?;
        let objections = self.sort_out(batch, objections).await?;
        self.account_inserts(&inserts, &objections, &stored).await?;
        let objections = objections.into_iter().filter_map(|(number, why)| Some((number, why?)));
        let objections = objections.chain(refused).collect();
        self.refuse_all(batch, unstaged, objections, &found).await?;
        Ok(batch.rows.len())
    }

    /// Rows leave the table, and what they keep is remembered.
    async fn leave(&mut self, present: &[u32]) -> Attempt<BTreeMap<u32, Objection>> {
        let mut refused: BTreeMap<u32, Objection> = self.referenced(present).await?.into_iter().collect();
        let free: Vec<u32> = present.iter().copied().filter(|number| !refused.contains_key(number)).collect();
        let memory = self.memory().await?;
        let (relation, same) = (self.stage.relation(&self.target), self.same_key()?);
        let (columns, returned) = (memory.columns(), memory.returned(&self.target));
        let sql = |picked: &Picked<'_>| {
            format!(
                "WITH gone AS (DELETE FROM {} AS t USING {relation} WHERE {same} AND {picked} RETURNING {returned}) \
                 INSERT INTO {} (gone, {columns}) SELECT true, gone.* FROM gone",
                self.target.rows, memory.table
            )
        };
        refused.extend(self.write(&free, sql).await?);
        Ok(refused)
    }

    async fn leave_alone(&mut self, alone: &[u32]) -> Attempt<()> {
        if alone.is_empty() {
            return Ok(());
        }
        let memory = self.memory().await?;
        let sql = format!(
            "INSERT INTO {} (gone, {}) SELECT false, {} FROM {} WHERE {}",
            memory.table,
            memory.key_columns(),
            memory.staged_key(&self.stage),
            self.stage.relation(&self.target),
            Picked(alone)
        );
        self.open.session.run(&sql).await
    }

    /// What became of the staged rows in the first half: whether they have left.
    async fn fates(&mut self) -> Attempt<HashMap<u32, bool>> {
        let memory = self.memory().await?;
        let sql = format!(
            "SELECT s.n, d.gone::int4 FROM {} JOIN {} AS d ON {}",
            self.stage.relation(&self.target),
            memory.table,
            memory.same_key(&self.target, &self.stage)
        );
        let rows = self.open.session.numbers(&sql).await?;
        Ok(rows.iter().filter_map(|row| Some((*row.first()? as u32, *row.get(1)? != 0))).collect())
    }

    /// Displaced rows enter the table again, with those of their cells that are not carried.
    async fn put_back(&mut self, back: &[u32]) -> Attempt<Vec<Refused>> {
        let memory = self.memory().await?;
        let columns = self.columns_kept();
        let (names, relation) = (self.target.listed(&columns), self.stage.relation(&self.target));
        let cells = joined((0..self.task.columns.len()).map(|at| format!("s.c{at}")).chain(memory.kept()));
        let same = memory.same_key(&self.target, &self.stage);
        let sql = |picked: &Picked<'_>| {
            format!(
                "INSERT INTO {} ({names}) OVERRIDING SYSTEM VALUE SELECT {cells} FROM {relation} \
                 JOIN {} AS d ON {same} WHERE {picked} ORDER BY s.n",
                self.target.table, memory.table
            )
        };
        let refused = self.write(back, sql).await?;
        self.open.filled.insert(self.target.name.clone());
        Ok(refused)
    }

    async fn memory(&mut self) -> Attempt<Memory> {
        Memory::of(self.open, &self.target, &key_columns(self.task), &self.task.mapped.kept).await
    }
}
