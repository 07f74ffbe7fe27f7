//! What the change log of a source, or a column of a table, tells of the time since a target was last brought in line with it.
//!
//! A *link* is a source and a target, the intent, and the way the source is seen. Of each table the target keeps a cursor for it:
//! a place in the source's log. So it goes back with the target when that is restored, and another database at either end,
//! a copy of one for instance, is another link, which has none.

use std::collections::{BTreeMap, BTreeSet};

use syncline_core::capture::CursorColumn;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::mapping::Mapping;
use syncline_core::schema::Schema;
use syncline_core::store::{Consumer, Cursor, LogPosition, Logs, Snapshot, Window};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::column::ByColumn;
use super::{Decided, Ends};
use crate::open::Database;
use crate::pairing::Pair;
use crate::request::RunRequest;

/// A link, as both ends show it when a run is decided.
pub(crate) struct Link {
    name: String,
    label: String,
    logs: Logs,
    cursors: BTreeMap<String, Cursor>,
    /// Rows may come and go without being touched, because a condition asks what time it is.
    is_timed: bool,
    /// The tables that go by a column.
    columns: BTreeMap<String, ByColumn>,
    /// Where the target is once the run has been carried out, by the source's tables.
    reached: Vec<Cursor>,
}

/// What the log tells of a table.
pub(crate) enum Told {
    /// What was touched since the cursor.
    Since {
        /// The cursor's position.
        position: LogPosition,
        /// Entries in the log, about; 0 for none.
        entries: u64,
        /// When the oldest of them was made, by the source's clock.
        oldest_ms: Option<i64>,
    },
    /// All that is above the cursor in this column.
    Above {
        /// The column.
        column: CursorColumn,
        /// The cursor's position.
        position: LogPosition,
    },
    /// Nothing, for this reason.
    Nothing(String),
}

impl Told {
    /// Entries in the log, about, and when the oldest was made.
    pub(super) fn entries(&self) -> (u64, Option<i64>) {
        match self {
            Told::Since { entries, oldest_ms, .. } => (*entries, *oldest_ms),
            Told::Above { .. } | Told::Nothing(_) => (0, None),
        }
    }
}

impl Link {
    /// The link between these two.
    ///
    /// # Errors
    /// `NOT_TRACKED`, and those of the rules that name columns.
    pub(super) async fn of(
        request: &RunRequest,
        (source, target): (&Database, &Database),
        (schema, pairs): (&Schema, &[Pair]),
        ends: Ends<'_>,
    ) -> Result<Self> {
        let columns = ByColumn::all(request, (schema, pairs), &mut *ends.source).await?;
        let logs = ends.source.logs().await?.or_else(|| (!columns.is_empty()).then(Logs::default));
        let Some(mut logs) = logs else {
            return Err(Error::new(Code::NotTracked, format!("the changes of {} are not logged", source.label))
                .leaving("nothing was changed")
                .next(
                    format!("syncline track {}", syncline_core::error::shell_word(&source.label)),
                    "log them from now on",
                )
                .next("--cursor 'TABLE: updated_at'", "go by a column that grows with every write")
                .next("leave --strategy incremental away", "compare both sides"));
        };
        for (table, by) in &columns {
            logs.defects.remove(table);
            logs.ends.remove(table);
            logs.ends.extend(by.end.iter().map(|end| (table.clone(), end.clone())));
        }
        let parts = [
            &logs.store,
            &source.description.identity,
            &target.description.identity,
            request.verb.name(),
            &request.sight(),
        ];
        let name = format!("{:032x}", xxh3_128(parts.join("\n").as_bytes()));
        let cursors = ends.target.cursors().await?.into_iter().filter(|cursor| cursor.link == name);
        let cursors = cursors.map(|cursor| (cursor.table.clone(), cursor)).collect();
        let label = format!("{} {}", request.verb.name(), target.label);
        let is_timed = Mapping::parse(&request.mapping)?.uses_now();
        Ok(Self { name, label, logs, cursors, is_timed, columns, reached: Vec::new() })
    }

    /// The name of the link, which no other has.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the log tells of a table, or its column.
    pub(super) async fn tells(&self, pair: &Pair, ends: &mut Ends<'_>) -> Result<Told> {
        let table = &pair.source.table.name;
        let nothing = |why: &str| Ok(Told::Nothing(why.to_owned()));
        if let Some(defect) = self.logs.defects.get(table) {
            return nothing(defect);
        }
        let column = self.columns.get(table);
        if column.is_none() && !self.logs.ends.contains_key(table) {
            return nothing("its changes are not logged");
        }
        let Some(cursor) = self.cursors.get(table) else {
            return match column {
                Some(column) => Ok(column.tells(&LogPosition::none())),
                None => nothing("the first run that goes by its log"),
            };
        };
        if self.is_timed && pair.source.mapped.filter.is_some() {
            return nothing("rows come and go with the time that its filter asks for");
        }
        if cursor.position == LogPosition::none() {
            return nothing("what an earlier run had carried was taken back");
        }
        if cursor.shape != shape(pair) {
            return nothing("it is carried in other columns than in the last run");
        }
        let position = cursor.position.clone();
        if let Some(column) = column {
            return Ok(column.tells(&position));
        }
        if self.logs.ends.get(table) == Some(&position) {
            return Ok(Told::Since { position, entries: 0, oldest_ms: None });
        }
        Ok(match ends.source.window(&pair.source, &position).await? {
            Window::Empty => Told::Since { position, entries: 0, oldest_ms: None },
            Window::Entries { count, oldest_ms } => Told::Since { position, entries: count.max(1), oldest_ms },
            Window::Cut(why) => Told::Nothing(why),
        })
    }

    /// Whether the log has nothing behind the cursor of a table, whichever way that is carried: to move it would be to write, here and to the
    /// source, for nothing, and in PostgreSQL for ever, where each of these writes makes the next position another one.
    pub(super) async fn has_nothing_new(&self, pair: &Pair, source: &mut dyn Snapshot) -> Result<bool> {
        let table = &pair.source.table.name;
        let Some(cursor) = self.cursors.get(table).filter(|cursor| cursor.shape == shape(pair)) else {
            return Ok(false);
        };
        if self.logs.ends.get(table) == Some(&cursor.position) {
            return Ok(true);
        }
        let is_logged = self.logs.ends.contains_key(table) && !self.columns.contains_key(table);
        Ok(is_logged && source.window(&pair.source, &cursor.position).await? == Window::Empty)
    }

    /// Takes note of a table that is to be carried.
    pub(super) fn reaches(&mut self, pair: &Pair, decided: &Decided) {
        if decided.is_unmoved {
            return;
        }
        let table = &pair.source.table.name;
        if let Some(position) = self.logs.ends.get(table) {
            let cursor = Cursor {
                link: self.name.clone(),
                table: table.clone(),
                position: position.clone(),
                shape: shape(pair),
            };
            self.reached.push(cursor);
        }
    }

    /// The cursors that are to move.
    pub(crate) fn moves(&self) -> Vec<Cursor> {
        self.reached.iter().filter(|cursor| self.cursors.get(&cursor.table) != Some(cursor)).cloned().collect()
    }

    /// Where the target stands, whether anything is to move or not: what it has the source may not know, if whoever brought it was cut
    /// off before it could say so.
    pub(crate) fn stands(&self) -> Vec<Cursor> {
        let is_somewhere = |cursor: &&Cursor| cursor.position != LogPosition::none();
        self.cursors.values().filter(is_somewhere).cloned().collect()
    }

    /// What a person should know who follows the source: tables that have come, or got another name, since then.
    pub(crate) fn strays(&self, tables: &[Decided], source: &str) -> Vec<String> {
        let names: BTreeSet<&str> = tables.iter().map(|decided| &*decided.work.name).collect();
        let is_logged = |name: &str| self.logs.ends.contains_key(name) || self.logs.defects.contains_key(name);
        let come = names.iter().filter(|name| !is_logged(name)).map(|name| {
            let track = format!("syncline track {}", syncline_core::error::shell_word(source));
            let seconds = limits::FOLLOW_ROUND.as_secs();
            format!("{name} is followed by comparing all of it, every {seconds} s and with every change: `{track}` logs its changes")
        });
        let gone = self.cursors.keys().filter(|name| !names.contains(&***name) && !is_logged(name));
        let gone =
            gone.map(|name| format!("{name} is not in {source} any more: what the target has of it stays as it is"));
        come.chain(gone).collect()
    }

    /// What the source is to know of these cursors, which are where they are to be, as far as it keeps a log; `None` where there are
    /// none.
    pub(crate) fn consumer(&self, moved: &[Cursor]) -> Option<Consumer> {
        let logged = moved.iter().filter(|cursor| !self.columns.contains_key(&cursor.table));
        let positions = logged.map(|cursor| (cursor.table.clone(), cursor.position.clone()));
        let positions: BTreeMap<_, _> = positions.collect();
        (!positions.is_empty()).then(|| Consumer { link: self.name.clone(), label: self.label.clone(), positions })
    }
}

/// Which columns are carried into which, by what, in a word.
fn shape(pair: &Pair) -> String {
    let mut text = String::new();
    for task in [&pair.source, &pair.target] {
        for (at, column) in task.columns.iter().enumerate() {
            let column = &task.table.columns[*column];
            text += &format!("{:?} {} {}\n", column.name, column.declared_type, task.key.contains(&at));
        }
    }
    format!("{:016x}", xxh3_64(text.as_bytes()))
}
