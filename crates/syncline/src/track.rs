//! Change tracking: having a database log its changes, and what runs do with the logs beside reading them.

use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::TableFilter;
use syncline_core::store::Cursor;

use crate::decide::{Decision, Link};
use crate::open::{Database, Purpose};
use crate::run::Worked;
use crate::select::{admitted, check_names};
use crate::session::Syncline;
use crate::side_by_side::{Schemas, Views};
use crate::summary::ErrorReport;

/// What is to be tracked, or not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackRequest {
    /// The database, as named by the user.
    pub database: String,
    /// Which tables, by names and patterns; all when empty.
    pub tables: Vec<String>,
}

/// What tracking or its removal has come to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TrackReport {
    /// Version of this object.
    pub format: u32,
    /// `track` or `untrack`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The database's label.
    pub database: String,
    /// What became of each table, in the order of their names.
    pub tables: Vec<TrackedReport>,
    /// Whether it was removed how far runs into this database had come.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cursors: bool,
}

/// What became of one table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TrackedReport {
    /// The table.
    pub table: String,
    /// `tracked` from now on, `tracked before`, `renewed`, `refused` or `removed`.
    pub state: &'static str,
    /// Why it was renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

impl Syncline {
    /// Has a database log the changes of its tables. What is tracked already stays so.
    ///
    /// # Errors
    /// When the database cannot be opened for writing; `NO_TABLES`.
    pub async fn track(&self, request: &TrackRequest) -> Result<TrackReport> {
        let database = self.open_database(&request.database, Purpose::Write).await?;
        let tracking = database.store.tracking();
        let filter = TableFilter::parse(&request.tables)?;
        let schema = database.store.snapshot().await?.schema().await?;
        check_names(&filter, &[&schema])?;
        let tables: Vec<String> = admitted(&schema, &filter).iter().map(|table| table.name.clone()).collect();
        if tables.is_empty() {
            return Err(Error::new(Code::NoTables, format!("{} has no table that could be tracked", database.label))
                .leaving("nothing was changed"));
        }
        let installed = tracking.install(&tables).await?;
        let plain = |table: String, state| TrackedReport { table, state, reason: None, error: None };
        let mut tables: Vec<TrackedReport> = installed.begun.into_iter().map(|table| plain(table, "tracked")).collect();
        tables.extend(installed.kept.into_iter().map(|table| plain(table, "tracked before")));
        for (table, reason) in installed.renewed {
            tables.push(TrackedReport { reason: Some(reason), ..plain(table, "renewed") });
        }
        for (table, error) in installed.refused {
            tables.push(TrackedReport { error: Some(ErrorReport::from(&error)), ..plain(table, "refused") });
        }
        Ok(report("track", database.label, tables))
    }

    /// Removes tracking from a database, or from some of its tables; from a whole one also how far runs into it have come by the
    /// logs of others.
    ///
    /// # Errors
    /// When the database cannot be opened for writing; `NOT_TRACKED`, and `RUN_LOCKED` while a run goes into it.
    pub async fn untrack(&self, request: &TrackRequest) -> Result<TrackReport> {
        let database = self.open_database(&request.database, Purpose::Write).await?;
        let filter = TableFilter::parse(&request.tables)?;
        let tracking = database.store.tracking();
        let cursors = request.tables.is_empty() && self.unlink(&database).await?;
        let removed = if request.tables.is_empty() {
            // Also where what says how it stands is gone.
            tracking.remove(None).await?
        } else {
            let standing = tracking.standing().await?.unwrap_or_default();
            let names = standing.tables.iter().map(|table| &table.name).filter(|name| filter.admits(name));
            let names: Vec<String> = names.cloned().collect();
            tracking.remove(Some(&names)).await?
        };
        if removed.is_empty() && !cursors {
            return Err(Error::new(Code::NotTracked, format!("the changes of {} are not logged", database.label))
                .leaving("nothing was changed"));
        }
        let removed = removed.into_iter();
        let gone = removed.map(|table| TrackedReport { table, state: "removed", reason: None, error: None });
        Ok(TrackReport { cursors, ..report("untrack", database.label, gone.collect()) })
    }

    /// Removes how far runs into a database have come.
    async fn unlink(&self, database: &Database) -> Result<bool> {
        if database.store.snapshot().await?.cursors().await?.is_empty() {
            return Ok(false);
        }
        let _claim = database.store.claim("untrack").await?;
        database.store.writer().await?.unlink().await
    }

    /// Views for a run that goes by the logs of its source. Logs that are not to be trusted begin anew before, so that the run
    /// which compares their tables is the last that must; those of a source that cannot be written to stay as they are.
    ///
    /// `known` is what the tables of both are known to look like, which does not hold of those whose logs begin anew.
    pub(crate) async fn views_of_logged(
        &self,
        (source, target): (&Database, &Database),
        jobs: usize,
        known: Option<Schemas>,
    ) -> Result<Views> {
        source.store.tracking().sequence().await?;
        let mut views = self.views(source, target, jobs).await?;
        let defects = views.ends().source.logs().await?.map(|logs| logs.defects).unwrap_or_default();
        if defects.is_empty() {
            return Ok(views.knowing(known));
        }
        // With a rollback journal nothing could be written while they are open.
        drop(views);
        let defects: Vec<String> = defects.into_keys().collect();
        let mended = async {
            let source = self.open_again(source, Purpose::Write).await?;
            source.store.tracking().install(&defects).await
        };
        match mended.await {
            Ok(installed) => {
                let said =
                    installed.renewed.iter().map(|(table, why)| format!("the log of {table} begins anew: {why}"));
                said.for_each(|remark| self.note(remark));
            }
            Err(error) => self.note(format!("{} cannot be tracked anew: {error}", defects.join(", "))),
        }
        self.views(source, target, jobs).await
    }

    /// Tells the source how far the target has come, so that its logs stay short. What is carried is carried; should this
    /// fail, the logs stay longer. With `all` it is told what it should know already, too: who was cut off may not have come to that.
    pub(crate) async fn acknowledge(&self, source: &Database, decision: &Decision, worked: &mut Worked, all: bool) {
        let Some(link) = decision.link.as_ref().filter(|_| worked.end.is_ok()) else { return };
        let known = if all { link.stands() } else { Vec::new() };
        let moved: Vec<Cursor> = known.into_iter().chain(worked.moved(link)).collect();
        let Some(consumer) = Link::consumer(link, &moved) else { return };
        let told = async {
            let source = self.open_again(source, Purpose::Write).await?;
            source.store.tracking().acknowledge(&consumer).await
        };
        if let Err(error) = told.await {
            worked.notes.push(format!("the change log of {} could not be shortened: {error}", source.label));
        }
    }
}

fn report(kind: &str, database: String, mut tables: Vec<TrackedReport>) -> TrackReport {
    tables.sort_by(|a, b| a.table.cmp(&b.table));
    TrackReport { format: 1, kind: kind.to_owned(), database, tables, cursors: false }
}
