//! The two halves of an exchange: rows leave their places, and take each other's.

use std::collections::{BTreeMap, HashMap};

use syncline_core::change::{PutBatch, Reason};
use syncline_core::value::{RowBatch, ValueRef};

use super::{Apply, LOCK, SHARE};
use crate::fitted::Shown;
use crate::mysql::codec::Codec;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::write::displaced::Memory;
use crate::mysql::write::picked::Picked;
use crate::mysql::write::session::bug;
use crate::mysql::write::stage::{NUMBER, number};
use crate::mysql::write::target::key_columns;
use crate::refused::{Objection, Refused};
use crate::standing::{Found, Standing, standings};

impl Apply<'_, '_> {
    pub(super) async fn displace(&mut self, batch: &PutBatch) -> Attempt<usize> {
        // Rows that do not come as far as the stage stay where they are; the second half says so.
        let (fitted, unstaged) = self.stage.fill(self.open.session, (self.task, &self.target), &batch.rows).await?;
        let (found, end) = self.find(batch.rows.len(), LOCK).await?;
        let unstaged: BTreeMap<_, _> = unstaged.into_iter().collect();
        let numbers = (0..end as u32).filter(|number| !unstaged.contains_key(number));
        let standings = standings(self.task, batch, numbers, &found)?;
        let [present, done, moved] =
            [Standing::Present, Standing::Done, Standing::Moved].map(|standing| standing.among(&standings));
        self.moved(batch, &moved, &found).await?;
        let stored = self.stored(&fitted.rows, &present).await?;
        let refused = self.leave(&present).await?;
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
        let found = if new.is_empty() { Found::nothing() } else { self.read(&new, LOCK).await? };
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
        if let Some(words) = self.untouchable() {
            return Ok(present.iter().map(|number| (*number, (Reason::ForeignKey, words.clone()))).collect());
        }
        let memory = self.memory().await?;
        let refused = self.write(present, |picked| {
            let remembered = memory.remembered(&self.target);
            vec![
                format!("INSERT INTO {} {remembered} {} WHERE {picked}", memory.table, self.from()),
                self.deletion(picked),
            ]
        });
        Ok(refused.await?.into_iter().collect())
    }

    async fn leave_alone(&mut self, alone: &[u32]) -> Attempt<()> {
        if alone.is_empty() {
            return Ok(());
        }
        let memory = self.memory().await?;
        let sql = format!(
            "INSERT INTO {} {} FROM {} WHERE {}",
            memory.table,
            memory.left_alone(&self.target),
            self.stage.relation(),
            Picked(alone)
        );
        self.open.session.run(sql).await.map(drop)
    }

    /// What became of the staged rows in the first half: whether they have left.
    async fn fates(&mut self) -> Attempt<HashMap<u32, bool>> {
        let memory = self.memory().await?;
        let key = key_columns(self.task);
        let query = format!(
            "SELECT {}, d._syncline_gone, s.{NUMBER} FROM {} STRAIGHT_JOIN {} AS d ON {} {SHARE}",
            self.target.listed("d.", &key),
            self.stage.relation(),
            memory.table,
            self.target.same(&key, "d", "s")
        );
        let mut codecs = self.target.codecs(&key);
        codecs.extend([Codec::Int, Codec::Int]);
        let (rows, mut shown) = (self.open.session.rows(query, &codecs).await?, Shown::new(self.task));
        let mut fates = HashMap::new();
        for row in rows.rows() {
            let number = number(row.get(key.len() + 1))?;
            // The server may have taken another key for this one.
            let mut found = RowBatch::new(key.len());
            for (at, column) in self.task.key.iter().enumerate() {
                found.push(shown.of(*column, row.get(at)))?;
            }
            if self.has_key(number, found.row(0).iter()) {
                fates.insert(number, row.get(key.len()) == ValueRef::Int(1));
            }
        }
        Ok(fates)
    }

    /// Displaced rows enter the table again, with those of their cells that are not carried.
    async fn put_back(&mut self, back: &[u32]) -> Attempt<Vec<Refused>> {
        let memory = self.memory().await?;
        let (carried, kept) = (&self.task.columns, &self.task.mapped.kept);
        let names = self.target.listed("", &self.columns_kept());
        let cells = [self.target.listed("s.", carried), self.target.listed("d.", kept)];
        let cells = cells.into_iter().filter(|cells| !cells.is_empty()).collect::<Vec<_>>().join(", ");
        // Of the rows that have left only one has a key that the server takes for this one.
        let same = self.target.same(&key_columns(self.task), "d", "s");
        self.write(back, |picked| {
            vec![format!(
                "INSERT INTO {} ({names}) SELECT {cells} FROM {} STRAIGHT_JOIN {} AS d ON d._syncline_gone = 1 AND {same} \
                 WHERE {picked} ORDER BY s.{NUMBER}",
                self.target.table,
                self.stage.relation(),
                memory.table
            )]
        })
        .await
    }

    async fn memory(&mut self) -> Attempt<Memory> {
        Memory::of(self.open, &self.target, &key_columns(self.task), &self.task.mapped.kept).await
    }
}
