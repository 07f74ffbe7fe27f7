//! Rows that point at nothing already, so that only those count that a run would add to them.

use std::collections::HashSet;

use super::pages::Pages;
use super::{Action, Applier};
use crate::change::{Mark, Operation, PlannedChange, TableTask, keys_of};
use crate::error::Result;
use crate::limits;
use crate::schema::ForeignKey;
use crate::state::{ChangeKind, DanglingRecord};
use crate::store::{Orphans, Snapshot};

/// What pointed at nothing before a run that is taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dangled {
    sums: HashSet<u128>,
    marks: HashSet<Mark>,
}

impl Dangled {
    /// What a run has recorded.
    pub fn new(records: impl IntoIterator<Item = DanglingRecord>) -> Self {
        let mut dangled = Self::default();
        for record in records {
            dangled.sums.extend(record.sum);
            dangled.marks.extend(record.marks);
        }
        dangled
    }

    /// Whether this row did.
    pub(super) fn holds(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    /// Whether exactly these did.
    pub(super) fn are(&self, orphans: &Orphans) -> bool {
        self.sums.contains(&orphans.sum)
    }
}

/// What points at nothing by one foreign key when a transaction begins.
pub(super) struct Before {
    pub(super) child: TableTask,
    pub(super) foreign_key: ForeignKey,
    count: u64,
    sum: u128,
    /// `None` when there are too many.
    marks: Option<HashSet<Mark>>,
}

impl Before {
    pub(super) fn new(child: TableTask, foreign_key: ForeignKey, found: &Orphans) -> Self {
        let marks = found.are_all_named().then(|| found.marks().iter().copied().collect());
        Self { child, foreign_key, count: found.count, sum: found.sum, marks }
    }

    /// Those of `found` that are new. The numbers alone would not tell: one that has gone would hide one that has come.
    pub(super) fn new_among(&self, found: Orphans, dangled: Option<&Dangled>) -> Result<Orphans> {
        if found.sum == self.sum || dangled.is_some_and(|dangled| dangled.are(&found)) {
            return Ok(Orphans::new(&self.child, &self.foreign_key));
        }
        let is_known = |mark| self.marks.as_ref().is_some_and(|marks| marks.contains(&mark));
        found.without(|mark| is_known(mark) || dangled.is_some_and(|dangled| dangled.holds(mark)))
    }

    /// Whether so many may all have been there, where it is not known which those were.
    pub(super) fn may_hold(&self, found: &Orphans) -> bool {
        self.marks.is_none() && found.count <= self.count
    }
}

/// Which rows of a child are looked at before a run.
enum Looked {
    /// All: rows come that they may point at.
    Whole,
    /// Those of this table of the work that are changed or go.
    Changed(usize),
}

impl Applier<'_> {
    /// Keeps which rows point at nothing before the first change, as far as the run may put that right or take such rows
    /// away: taking it back must be free to bring that about again.
    pub(crate) async fn keep_dangling(&mut self) -> Result<()> {
        let Some(evidence) = self.context.evidence else { return Ok(()) };
        let references = self.references_touched();
        if references.is_empty() {
            return Ok(());
        }
        let mut view = self.target.snapshot().await?;
        let (mut records, mut room) = (Vec::new(), limits::DANGLING_KEPT_MAX);
        for (child, foreign_key, looked) in references {
            self.context.cancel.check()?;
            let record = match looked {
                Looked::Whole => {
                    let found = view.orphans(&child, &foreign_key, None, room).await?;
                    let marks = if found.are_all_named() { found.marks().to_vec() } else { Vec::new() };
                    DanglingRecord { sum: (found.count > 0).then_some(found.sum), marks }
                }
                Looked::Changed(table) => {
                    let marks = self.dangling_of(&mut *view, table, &foreign_key, room).await?;
                    DanglingRecord { sum: None, marks }
                }
            };
            room -= record.marks.len();
            if record != DanglingRecord::default() {
                records.push(record);
            }
        }
        if records.is_empty() { Ok(()) } else { evidence.record_dangling(&records).await }
    }

    /// Foreign keys of the target's tables that the work may make whole, or whose rows it changes or takes away.
    fn references_touched(&self) -> Vec<(TableTask, ForeignKey, Looked)> {
        let mut touched = Vec::new();
        for child in &self.schema.tables {
            let is_child = |table: &usize| self.tables[*table].target.table.is_called(&child.name);
            let own = (0..self.tables.len()).find(is_child);
            let changed = own.filter(|table| {
                let work = &self.tables[*table];
                work.action == Action::Differences && work.puts + work.deletes > 0
            });
            let is_refilled = own.is_some_and(|table| self.tables[table].action == Action::Refill);
            for foreign_key in &child.foreign_keys {
                let looked = match changed {
                    _ if is_refilled || self.gains_rows(&foreign_key.parent) => Looked::Whole,
                    Some(table) => Looked::Changed(table),
                    None => continue,
                };
                touched.push((TableTask::whole(child.clone()), foreign_key.clone(), looked));
            }
        }
        touched
    }

    fn gains_rows(&self, parent: &str) -> bool {
        let gains = |action: &Action, puts| match action {
            Action::Load { .. } | Action::Refill => true,
            Action::Differences => puts > 0,
            Action::Empty(_) => false,
        };
        self.tables.iter().any(|work| work.target.table.is_called(parent) && gains(&work.action, work.puts))
    }

    /// The marks of rows that the work changes or takes away, unless there are too many.
    async fn dangling_of(
        &self,
        view: &mut dyn Snapshot,
        table: usize,
        foreign_key: &ForeignKey,
        room: usize,
    ) -> Result<Vec<Mark>> {
        let (work, mut marks) = (&self.tables[table], Vec::new());
        for kind in [ChangeKind::Put, ChangeKind::Delete] {
            let mut pages = Pages::of(table, kind);
            while let Some(page) = self.next_page(&mut pages).await? {
                let is_there = |change: &&PlannedChange| change.operation != Operation::Insert;
                let keys = keys_of(page.iter().filter(is_there), work.target.key_width())?;
                let found = view.orphans(&work.target, foreign_key, Some(&keys), room).await?;
                marks.extend_from_slice(found.marks());
                if !found.are_all_named() || marks.len() > room {
                    return Ok(Vec::new());
                }
            }
        }
        Ok(marks)
    }
}
