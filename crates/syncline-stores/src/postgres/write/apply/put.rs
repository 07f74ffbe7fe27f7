//! Rows that are inserted or updated where they are.

use std::collections::{BTreeMap, HashMap};

use syncline_core::change::{Expectation, Image, PutBatch, Reason};
use syncline_core::limits;
use syncline_core::value::RowBatch;

use super::Apply;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::write::picked::Picked;
use crate::postgres::write::rivals;
use crate::postgres::write::target::{joined, key_columns};
use crate::refused::{Objection, Refused};
use crate::standing::{Found, Standing, standings};
use crate::stored::Stored;

/// Neither the row nor what references it is changed by others, who may add what references it.
const FOR_UPDATE: &str = "FOR NO KEY UPDATE";

impl Apply<'_, '_> {
    /// Like its siblings, tells how many changes it has gone through.
    pub(super) async fn put(&mut self, batch: &PutBatch) -> Attempt<usize> {
        let (fitted, refused) = self.stage.fill(self.open.session, (self.task, &self.target), &batch.rows).await?;
        let (found, end) = self.find(batch.rows.len(), FOR_UPDATE).await?;
        let refused: BTreeMap<_, _> = refused.into_iter().filter(|(number, _)| (*number as usize) < end).collect();
        let numbers = (0..end as u32).filter(|number| !refused.contains_key(number));
        let standings = standings(self.task, batch, numbers, &found)?;
        let [inserts, updates, moved] =
            [Standing::Absent, Standing::Present, Standing::Moved].map(|standing| standing.among(&standings));
        self.moved(batch, &moved, &found).await?;
        let written: Vec<u32> = standings
            .iter()
            .filter(|(_, standing)| matches!(standing, Standing::Absent | Standing::Present))
            .map(|(number, _)| *number)
            .collect();
        let stored = self.stored(&fitted.rows, &written).await?;
        let (updates, mut objections) = self.unchangeable(updates, &stored, &found)?;
        objections.extend(self.update(&updates, &stored, &found).await?);
        // After the updates: these may have given up a unique value.
        objections.extend(self.insert(&inserts).await?);
        let objections = self.sort_out(batch, objections).await?;
        self.account_updates(&updates, &objections, &stored, &found)?;
        self.account_inserts(&inserts, &objections, &stored).await?;
        let objections = objections.into_iter().filter_map(|(number, why)| Some((number, why?)));
        self.refuse_all(batch, refused, objections.collect(), &found).await?;
        Ok(end)
    }

    /// Puts rows on the list that did not come as far as the stage, and those that the table has refused.
    pub(super) async fn refuse_all(
        &mut self,
        batch: &PutBatch,
        unstaged: BTreeMap<u32, Objection>,
        objections: Vec<Refused>,
        found: &Found,
    ) -> Attempt<()> {
        let numbers: Vec<u32> = unstaged.keys().copied().collect();
        let mut behind = self.behind(batch, &numbers).await?;
        let all: BTreeMap<_, _> = unstaged.into_iter().chain(objections).collect();
        for (number, objection) in all {
            let found = match found.row(number) {
                Some(row) => Some(self.seen(row)?),
                None => behind.remove(&number),
            };
            self.refuse(batch.rows.row(number as usize), objection, found);
        }
        Ok(())
    }

    /// What stands in the places of rows that have not come as far as the stage, in the forms of the task.
    async fn behind(&mut self, batch: &PutBatch, numbers: &[u32]) -> Attempt<HashMap<u32, Vec<u8>>> {
        let mut behind = HashMap::new();
        if numbers.is_empty() {
            return Ok(behind);
        }
        let mut keys = RowBatch::new(self.task.key.len());
        numbers.iter().try_for_each(|number| keys.push_row(batch.rows.row(*number as usize).select(&self.task.key)))?;
        let stage = self.open.stage(&self.target, &key_columns(self.task)).await?;
        let rows = std::mem::replace(&mut self.stage, stage);
        self.stage.fill(self.open.session, (self.task, &self.target), &keys).await?;
        let all: Vec<u32> = (0..keys.len() as u32).collect();
        let mut done = 0;
        while done < all.len() {
            let found = self.read(&all[done..]).await?;
            for (at, row) in &found.at {
                behind.insert(numbers[*at as usize], self.seen(found.rows.row(*row))?);
            }
            let is_cut = found.rows.bytes() > limits::BATCH_BYTES;
            let last = found.at.keys().max().filter(|_| is_cut);
            done = last.map_or(all.len(), |last| *last as usize + 1);
        }
        self.stage = rows;
        Ok(behind)
    }

    async fn update(&mut self, updates: &[u32], stored: &Stored<'_>, found: &Found) -> Attempt<Vec<Refused>> {
        let key = key_columns(self.task);
        let mut with_key = false;
        for number in updates {
            let there = found.locked_row(*number)?;
            let mut cells = stored.row(*number)?.enumerate();
            with_key |= cells.any(|(at, cell)| self.task.key.contains(&at) && cell != there.get(at));
        }
        let columns = self.task.columns.iter().enumerate().filter(|(_, column)| with_key || !key.contains(column));
        let columns = columns.map(|(at, column)| (at, self.target.column(*column)));
        // A number that the engine gives out is the same, and cannot even be set to what it is.
        let set: Vec<String> = columns
            .filter(|(_, column)| !column.is_always_given)
            .map(|(at, column)| format!("{} = s.c{at}", column.name))
            .collect();
        if set.is_empty() {
            // Nothing but key columns and numbers that are given out, and those are the same.
            return Ok(Vec::new());
        }
        let (set, relation, same) = (joined(set), self.stage.relation(&self.target), self.same_key()?);
        let sql = |picked: &Picked<'_>| {
            format!("UPDATE {} AS t SET {set} FROM {relation} WHERE {same} AND {picked}", self.target.rows)
        };
        let (free, mut refused) = self.without_clashes(updates, &sql).await?;
        refused.extend(self.write(&free, sql).await?);
        self.open.filled.insert(self.target.name.clone());
        Ok(refused)
    }

    /// Sets the rows aside that a unique value is in the way of, and returns what is left to be written. By halves every one
    /// of them would cost some statements. They are going to exchange their values anyhow, where rows may leave the table for
    /// that; where they may not, a row may still find its value free once those before it are written.
    async fn without_clashes(
        &self,
        updates: &[u32],
        sql: impl Fn(&Picked<'_>) -> String,
    ) -> Attempt<(Vec<u32>, Vec<Refused>)> {
        if !self.open.replicates || updates.len() < limits::CLASHES_ASKED_FROM {
            return Ok((updates.to_vec(), Vec::new()));
        }
        match self.open.session.write(&self.target.name, &sql(&Picked(updates))).await? {
            Ok(_) => Ok((Vec::new(), Vec::new())),
            Err((Reason::Unique, words)) => {
                let subject = (&*self.target, &self.stage);
                let clashing = rivals::clashing(self.open.session, self.task, subject, updates).await?;
                let free = updates.iter().copied().filter(|number| !clashing.contains(number)).collect();
                Ok((free, clashing.into_iter().map(|number| (number, (Reason::Unique, words.clone()))).collect()))
            }
            Err(_) => Ok((updates.to_vec(), Vec::new())),
        }
    }

    /// A row that could not be inserted because there is one by now that was not there before is *moved*. What is left is
    /// refused; rows that are accounted for otherwise have no objection.
    pub(super) async fn sort_out(
        &mut self,
        batch: &PutBatch,
        refused: Vec<Refused>,
    ) -> Attempt<HashMap<u32, Option<Objection>>> {
        let clashes: Vec<u32> = {
            let clash = |(number, (reason, _)): &Refused| (*reason == Reason::Unique).then_some(*number);
            let absent = |number: &u32| batch.expectations[*number as usize] == Expectation::Absent;
            refused.iter().filter_map(clash).filter(absent).collect()
        };
        let mut objections: HashMap<_, _> =
            refused.into_iter().map(|(number, objection)| (number, Some(objection))).collect();
        for part in clashes.chunks(limits::CONFLICT_PAGE) {
            let found = self.read(part).await?;
            let there: Vec<u32> = part.iter().copied().filter(|number| found.row(*number).is_some()).collect();
            let standings = standings(self.task, batch, there.iter().copied(), &found)?;
            self.moved(batch, &Standing::Moved.among(&standings), &found).await?;
            there.iter().for_each(|number| _ = objections.insert(*number, None));
        }
        Ok(objections)
    }

    fn account_updates(
        &mut self,
        updates: &[u32],
        objections: &HashMap<u32, Option<Objection>>,
        stored: &Stored<'_>,
        found: &Found,
    ) -> Attempt<()> {
        for number in updates.iter().filter(|number| !objections.contains_key(number)) {
            let image = self.image_of_change(*number, stored, found)?;
            self.keep(image);
            self.applied.updated += 1;
        }
        Ok(())
    }

    /// The image of a row that takes the place of the one that was found.
    pub(super) fn image_of_change(&self, number: u32, stored: &Stored<'_>, found: &Found) -> Attempt<Image> {
        let there = found.locked_row(number)?;
        let kept = there.iter().skip(self.task.columns.len()).take(self.task.mapped.kept.len());
        let after = Some(stored.digest(number, kept)?);
        Ok(Image { key: stored.key(number, &self.task.key)?, before: self.before(there), place: None, after })
    }

    /// Images of rows that were inserted.
    pub(super) async fn account_inserts(
        &mut self,
        inserts: &[u32],
        objections: &HashMap<u32, Option<Objection>>,
        stored: &Stored<'_>,
    ) -> Attempt<()> {
        let numbers: Vec<u32> = inserts.iter().copied().filter(|number| !objections.contains_key(number)).collect();
        // Columns that are not carried have got values from the database, and undo will find them there.
        let kept = if self.task.mapped.kept.is_empty() {
            Found { rows: RowBatch::new(0), at: HashMap::new() }
        } else {
            self.read(&numbers).await?
        };
        for number in numbers {
            let kept = kept.row(number);
            let cells = kept.iter().flat_map(|row| row.iter().skip(self.task.columns.len()));
            let after = Some(stored.digest(number, cells.take(self.task.mapped.kept.len()))?);
            let image = Image { key: stored.key(number, &self.task.key)?, before: None, place: None, after };
            self.keep(image);
            self.applied.inserted += 1;
        }
        Ok(())
    }
}
