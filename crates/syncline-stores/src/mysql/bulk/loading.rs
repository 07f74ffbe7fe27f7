//! Rows on their way into an empty table, by one `LOAD DATA` for many batches, or by several at once: while the server takes in
//! the ones, the next are read and written.
//!
//! What the server warns of takes back all that the file has brought, so rows are kept until it has come to its end, which
//! is why it has one after so many bytes. Then they are sent again, batch by batch and by halves.

use std::sync::Arc;

use futures_util::future::{join_all, select_all, try_join_all};
use syncline_core::change::{Reason, Refusal, TableTask};
use syncline_core::limits;
use syncline_core::value::{Row, RowBatch};

use super::fill;
use crate::fitted::Fitter;
use crate::mysql::codec::{Codec, Field, write_field};
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::line::Upload;
use crate::mysql::types;
use crate::mysql::write::open::Open;
use crate::mysql::write::sender::{Sender, pieces};
use crate::mysql::write::session::Session;
use crate::mysql::write::target::Target;
use crate::refused::{Objection, named};

/// One file and what was sent by it.
pub(in crate::mysql) struct Loading {
    task: TableTask,
    target: Arc<Target>,
    columns: Vec<(String, Codec)>,
    /// A file for each session that takes part.
    uploads: Vec<Upload>,
    /// Those, where they are not the writer's own.
    beside: Option<Arc<[Session]>>,
    /// The largest packet that the server takes.
    packet_bytes: u64,
    /// What is written and not yet sent.
    chunk: Vec<u8>,
    /// How many rows the files hold.
    rows: u64,
    /// All rows that are on their way.
    sent: Vec<RowBatch>,
    bytes: usize,
    /// Rows that never were sent, because they do not fit.
    misfits: Vec<Refusal>,
    fitter: Fitter,
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
        let sender = Sender::new(own, (&target.name, &target.table), None, columns.clone());
        let begun = beside.iter().flat_map(|sessions| sessions.iter()).map(|session| async {
            session.begin().await?;
            session.begin_load(|file| sender.load_statement(file)).await
        });
        let mut uploads = try_join_all(begun).await?;
        if beside.is_none() {
            uploads.push(own.begin_load(|file| sender.load_statement(file)).await?);
        }
        Ok(Self {
            task: task.clone(),
            columns,
            uploads,
            beside,
            packet_bytes: own.connection().packet_bytes,
            chunk: Vec::new(),
            rows: 0,
            sent: Vec::new(),
            bytes: 0,
            misfits: Vec::new(),
            fitter: types::fitter(task, &task.columns),
            target,
        })
    }

    /// Whether these rows are of this task.
    pub(super) fn is_of(&self, task: &TableTask) -> bool {
        self.task.table.name == task.table.name && self.task.columns == task.columns
    }

    /// Sends the rows. Whether the server takes them shows at the end.
    pub(super) async fn push(&mut self, rows: RowBatch) {
        let (mut misfits, mut is_taken) = (Vec::new(), true);
        for (number, row) in (0..).zip(rows.rows()) {
            match write_row(row, &self.columns, &mut self.fitter, &mut self.chunk) {
                Ok(()) => self.rows += 1,
                Err(why) => misfits.push((number, (Reason::Type, why))),
            }
            if is_taken && self.chunk.len() >= limits::COPY_CHUNK_BYTES {
                is_taken = self.pass_on().await;
            }
        }
        self.misfits.extend(named(&self.task, &rows, misfits));
        self.bytes += rows.bytes();
        self.sent.push(rows);
    }

    /// Whether so much was sent that it is time to see what became of it.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= limits::LOAD_FILE_BYTES * self.uploads.len()
    }

    /// Waits for the server, and returns what it refused.
    pub(super) async fn end(mut self, open: &Open<'_>) -> Attempt<Vec<Refusal>> {
        self.pass_on().await;
        let Self { task, target, uploads, rows, sent, misfits, beside, .. } = self;
        let is_beside = beside.is_some();
        let sessions: Vec<&Session> = match &beside {
            Some(sessions) => sessions.iter().collect(),
            None => vec![open.session],
        };
        // All files end at once: one session may wait for what another has written.
        let ended = sessions.iter().zip(uploads).map(|(session, upload)| session.end_load(&target.name, upload));
        let is_whole = arrived(join_all(ended).await, is_beside)? == Some(rows);
        match (is_whole, is_beside) {
            (true, false) => return Ok(misfits),
            (true, true) => {
                try_join_all(sessions.iter().map(|session| session.commit())).await?;
                return Ok(misfits);
            }
            (false, false) => open.session.take_back().await?,
            (false, true) => {
                try_join_all(sessions.iter().map(|session| session.begin())).await?;
                open.beside.give_over().await;
            }
        }
        let mut refused = Vec::new();
        for rows in sent {
            let again = fill(open.session, &task, &target, &rows).await?;
            refused.extend(named(&task, &rows, again));
        }
        Ok(refused)
    }

    /// Sends what was written by the first file that has room. `false` when the server takes no more: why, the end says.
    async fn pass_on(&mut self) -> bool {
        let rooms = self.uploads.iter().map(|upload| Box::pin(upload.has_room()));
        let (_, at, _) = select_all(rooms).await;
        for piece in pieces(std::mem::take(&mut self.chunk), self.packet_bytes) {
            if !self.uploads[at].send(piece).await {
                return false;
            }
        }
        true
    }
}

/// How many rows all files have brought; `None` where one was refused. Sessions that were in each other's way have brought
/// nothing, and can be told to begin anew.
fn arrived(ended: Vec<Attempt<Option<Result<u64, Objection>>>>, is_beside: bool) -> Attempt<Option<u64>> {
    let mut arrived = Some(0);
    for end in ended {
        arrived = match end {
            Ok(Some(Ok(rows))) => arrived.map(|before| before + rows),
            Ok(_) => None,
            Err(failure) if is_beside && failure.is_retryable() => None,
            Err(failure) => return Err(failure),
        };
    }
    Ok(arrived)
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
