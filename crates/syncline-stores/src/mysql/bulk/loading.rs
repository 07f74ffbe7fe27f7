//! Rows on their way into an empty table, by one `LOAD DATA` for many batches, or by several at once: while the server takes in
//! the ones, the next are read and written.
//!
//! What the server warns of takes back all that the file has brought, so rows are kept until it has come to its end, which
//! is why it has one after so many bytes. Then they are sent again, batch by batch and by halves.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use syncline_core::change::{Reason, Refusal, TableTask};
use syncline_core::limits;
use syncline_core::value::{Row, RowBatch};
use tokio::sync::mpsc;

use super::fill;
use crate::fitted::Fitter;
use crate::mysql::codec::{Codec, Field, write_field};
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::line::{Arrival, Lane, Part, Parts};
use crate::mysql::types;
use crate::mysql::write::open::Open;
use crate::mysql::write::sender::{load_statement, pieces};
use crate::mysql::write::session::{Commits, Session};
use crate::mysql::write::target::Target;
use crate::refused::named;

/// A batch that may have to be sent again.
struct Kept {
    /// Counted from 0, in the order in which they came.
    number: usize,
    rows: RowBatch,
}

/// Rows of one table on their way.
pub(in crate::mysql) struct Loading {
    task: TableTask,
    target: Arc<Target>,
    columns: Vec<(String, Codec)>,
    /// One for each session that takes part. All take from the same parts.
    lanes: Vec<Lane<Kept>>,
    parts: Parts<Kept>,
    queue: mpsc::Sender<Part<Kept>>,
    /// The sessions, where they are not the writer's own.
    beside: Option<Arc<[Session]>>,
    /// The largest packet that the server takes.
    packet_bytes: u64,
    fitter: Fitter,
    /// Batches so far.
    batches: usize,
    /// How long the text of the last one was, which is about as long as the next one's will be.
    text_bytes: usize,
    /// Of each batch the rows that never were sent, because they do not fit.
    misfits: BTreeMap<usize, Vec<Refusal>>,
    /// A batch that no lane took any more.
    left: Option<Kept>,
    /// A batch is on its way that nothing is to be kept beside.
    has_huge: bool,
}

impl Loading {
    /// Begins to load rows of a table that holds values as they are sent: by sessions beside the writer's own where there are any.
    pub(super) async fn begin(
        own: &Session,
        beside: Option<Arc<[Session]>>,
        task: &TableTask,
        target: Arc<Target>,
    ) -> Attempt<Self> {
        let columns = target.sent(&task.columns);
        let (queue, parts) = Parts::new();
        let lane = |session: &Session, commits| {
            let statement = |file: &str| load_statement(&target.table, None, &columns, file);
            session.begin_lane(statement, parts.clone(), commits)
        };
        let lanes = match &beside {
            None => vec![lane(own, Commits::Together)?],
            Some(sessions) => {
                try_join_all(sessions.iter().map(Session::begin)).await?;
                sessions.iter().map(|session| lane(session, Commits::Apart)).collect::<Attempt<_>>()?
            }
        };
        Ok(Self {
            task: task.clone(),
            columns,
            lanes,
            parts,
            queue,
            beside,
            packet_bytes: own.connection().packet_bytes,
            fitter: types::fitter(task, &task.columns),
            batches: 0,
            text_bytes: 0,
            misfits: BTreeMap::new(),
            left: None,
            has_huge: false,
            target,
        })
    }

    /// Whether these rows are of this task.
    pub(super) fn is_of(&self, task: &TableTask) -> bool {
        self.task.table.name == task.table.name && self.task.columns == task.columns
    }

    /// Whether nothing else is to be on its way with a batch.
    pub(super) fn is_huge(rows: &RowBatch) -> bool {
        rows.bytes() > limits::LOAD_PART_BYTES
    }

    /// Sends the rows. Whether the server takes them shows at the end.
    pub(super) async fn push(&mut self, mut rows: RowBatch) {
        let (mut text, mut misfits) = (Vec::with_capacity(self.text_bytes), Vec::new());
        for (number, row) in (0..).zip(rows.rows()) {
            if let Err(why) = write_row(row, &self.columns, &mut self.fitter, &mut text) {
                misfits.push((number, (Reason::Type, why)));
            }
        }
        self.text_bytes = text.len() + text.len() / 8;
        let (number, count) = (self.batches, rows.len() - misfits.len());
        self.batches += 1;
        self.misfits.insert(number, named(&self.task, &rows, misfits));
        if count == 0 {
            return;
        }
        self.has_huge |= Self::is_huge(&rows);
        let bytes = rows.bytes();
        rows.shrink_to_fit();
        let kept = Kept { number, rows };
        let pieces = pieces(text, self.packet_bytes).collect();
        if let Err(refused) = self.queue.send(Part { pieces, rows: count as u64, bytes, kept }).await {
            self.left = Some(refused.0.kept);
        }
    }

    /// Whether it is time to see what became of it.
    pub(super) fn is_full(&self) -> bool {
        self.has_huge || self.queue.is_closed()
    }

    /// Waits for the server, and returns what it refused.
    pub(super) async fn end(self, open: &Open<'_>) -> Attempt<Vec<Refusal>> {
        let Self { task, target, lanes, parts, queue, beside, mut misfits, left, .. } = self;
        drop(queue);
        let ended = join_all(lanes.into_iter().map(Lane::end)).await;
        let mut again = Vec::new();
        let sessions: Vec<&Session> = beside.as_ref().map_or(vec![open.session], |own| own.iter().collect());
        for (session, arrival) in sessions.iter().zip(ended) {
            let Arrival::Stopped { why, kept } = arrival else { continue };
            again.extend(kept);
            match session.stopped(&target.name, why) {
                // Sessions that were in each other's way have brought nothing, and can be told to begin anew.
                Err(failure) if !(beside.is_some() && failure.is_retryable()) => return Err(failure),
                _ if beside.is_none() => session.take_back().await?,
                _ => session.begin().await?,
            }
        }
        if again.is_empty() {
            return Ok(misfits.into_values().flatten().collect());
        }
        while let Some(part) = parts.next().await {
            again.push(part.kept);
        }
        again.extend(left);
        if beside.is_some() {
            open.beside.give_over().await;
        }
        again.sort_by_key(|kept| kept.number);
        for Kept { number, rows } in again {
            let refused = fill(open.session, &task, &target, &rows).await?;
            misfits.insert(number, named(&task, &rows, refused));
        }
        Ok(misfits.into_values().flatten().collect())
    }
}

/// Appends a row as the table's columns hold it, or says why they do not.
fn write_row(row: Row<'_>, columns: &[(String, Codec)], fitter: &mut Fitter, out: &mut Vec<u8>) -> Result<(), String> {
    let (begun, last) = (out.len(), columns.len().saturating_sub(1));
    for (at, ((name, codec), value)) in columns.iter().zip(row.iter()).enumerate() {
        let field = if at == last { Field::Last } else { Field::Next };
        let written = fitter
            .fit(at, value)
            .and_then(|stored| write_field(codec, stored, field, out).map_err(|why| format!("column {name}: {why}")));
        if let Err(why) = written {
            out.truncate(begun);
            return Err(why);
        }
    }
    Ok(())
}
