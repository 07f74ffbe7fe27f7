//! Rows on their way into an empty table, by one COPY for many batches: while the server takes in the ones, the next are
//! read and encoded.
//!
//! What the server refuses takes back all that the COPY has brought, so rows are kept until it has come to its end, which is
//! why it has one after so many bytes. Then they are sent again, batch by batch and by halves.

use std::sync::Arc;

use bytes::Bytes;
use syncline_core::change::{Reason, Refusal, TableTask};
use syncline_core::limits;
use syncline_core::store::RawBatch;
use syncline_core::value::{Row, RowBatch};

use crate::fitted::Fitter;
use crate::postgres::codec::{Decoder, Encoder};
use crate::postgres::connect::failure::Attempt;
use crate::postgres::write::halves::send_by_halves;
use crate::postgres::write::session::{CopyIn, Session};
use crate::postgres::write::target::Target;
use crate::refused::{Refused, named};

/// One COPY and what was sent by it.
pub(in crate::postgres) struct Loading {
    task: TableTask,
    target: Arc<Target>,
    copy: CopyIn,
    sent: Vec<Sent>,
    bytes: usize,
    /// Rows that never were sent, because they do not fit.
    misfits: Vec<Refusal>,
    fitter: Fitter,
}

/// Rows that can be sent again.
enum Sent {
    Rows(RowBatch),
    /// As they came from a server.
    Raw(Bytes),
}

impl Loading {
    /// Begins to load rows of a table whose values need no help of a statement to become what they stand for.
    pub(super) async fn begin(session: &Session, task: &TableTask, target: Arc<Target>) -> Attempt<Self> {
        let copy = session.begin_copy(&statement(task, &target), target.codecs(&task.columns)).await?;
        let (sent, misfits, fitter) = (Vec::new(), Vec::new(), Fitter::of(task, &task.columns));
        Ok(Self { task: task.clone(), target, copy, sent, bytes: 0, misfits, fitter })
    }

    /// Whether these rows are of this task.
    pub(super) fn is_of(&self, task: &TableTask) -> bool {
        self.task.table.name == task.table.name && self.task.columns == task.columns
    }

    /// Sends the rows. Whether the server takes them shows at the end.
    pub(super) async fn push(&mut self, rows: RowBatch) {
        let Self { task, copy, fitter, .. } = self;
        let mut misfits = Vec::new();
        for (number, row) in (0..).zip(rows.rows()) {
            misfits.extend(push_row(row, fitter, &mut copy.encoder).err().map(|why| (number, (Reason::Type, why))));
            if !copy.pass_on().await {
                break;
            }
        }
        self.misfits.extend(named(task, &rows, misfits));
        self.bytes += rows.bytes();
        self.sent.push(Sent::Rows(rows));
    }

    /// The same with rows as a server has sent them, which are in the format of the task.
    pub(super) async fn push_raw(&mut self, rows: RawBatch) {
        let rows = Bytes::from(rows.rows);
        self.bytes += rows.len();
        self.sent.push(Sent::Raw(rows.clone()));
        self.copy.pass_on_raw(rows).await;
    }

    /// Whether so much was sent that it is time to see what became of it.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= limits::LOAD_KEPT_BYTES
    }

    /// Waits for the server, and returns what it refused.
    pub(super) async fn end(self, session: &Session) -> Attempt<Vec<Refusal>> {
        let Self { task, target, copy, sent, misfits, .. } = self;
        if session.end_copy(&target.name, copy).await?.is_ok() {
            return Ok(misfits);
        }
        let mut refused = Vec::new();
        for rows in sent {
            let rows = rows.decoded(&task, &target)?;
            let again = fill(session, &task, &target, &rows).await?;
            refused.extend(named(&task, &rows, again));
        }
        Ok(refused)
    }
}

impl Sent {
    fn decoded(self, task: &TableTask, target: &Target) -> Attempt<RowBatch> {
        match self {
            Sent::Rows(rows) => Ok(rows),
            Sent::Raw(bytes) => {
                let mut rows = RowBatch::new(task.columns.len());
                Decoder::of_bare_rows(target.codecs(&task.columns)).read_into(&bytes, &mut rows)?;
                Ok(rows)
            }
        }
    }
}

/// The rows go into the table, half by half where the server does not take them as they are.
pub(super) async fn fill(
    session: &Session,
    task: &TableTask,
    target: &Target,
    rows: &RowBatch,
) -> Attempt<Vec<Refused>> {
    let (sql, codecs) = (statement(task, target), target.codecs(&task.columns));
    let numbers: Vec<u32> = (0..rows.len() as u32).collect();
    let mut fitter = Fitter::of(task, &task.columns);
    let push = |number: u32, encoder: &mut Encoder| push_row(rows.row(number as usize), &mut fitter, encoder);
    send_by_halves(session, &target.name, (&sql, &codecs), &numbers, push).await
}

fn statement(task: &TableTask, target: &Target) -> String {
    format!("COPY {} ({}) FROM STDIN (FORMAT binary)", target.table, target.listed(&task.columns))
}

/// Appends a row as the table's columns hold it, or says why they do not.
fn push_row(row: Row<'_>, fitter: &mut Fitter, encoder: &mut Encoder) -> Result<(), String> {
    let mut begun = encoder.row();
    for (at, value) in row.iter().enumerate() {
        begun.push(fitter.fit(at, value)?).map_err(|why| why.to_string())?;
    }
    begun.end();
    Ok(())
}
