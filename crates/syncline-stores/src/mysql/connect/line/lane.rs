//! A lane: rows that go to the server by one file after the other, without a word from us between them.
//!
//! The next file begins as soon as the server says that the one before has arrived, and what it holds has been made ready
//! meanwhile. Several lanes may take from the same rows, each the next part.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use syncline_core::change::Reason;
use syncline_core::error::Result;
use syncline_core::limits;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::files::Files;
use super::{Line, Outcome, gone, request, run};
use crate::mysql::connect::failure::Attempt;
use crate::refused::Objection;

/// Rows that belong into one file.
pub(in crate::mysql) struct Part<K> {
    /// As they are sent.
    pub(in crate::mysql) pieces: Vec<Bytes>,
    /// How many there are.
    pub(in crate::mysql) rows: u64,
    /// What they count for towards the end of a file.
    pub(in crate::mysql) bytes: usize,
    /// What is kept of them until they have arrived.
    pub(in crate::mysql) kept: K,
}

/// The parts that are still to be sent, for whichever lane comes first.
pub(in crate::mysql) struct Parts<K>(Arc<Mutex<mpsc::Receiver<Part<K>>>>);

/// How a lane goes from file to file.
#[derive(Clone, Copy)]
pub(in crate::mysql) struct Course {
    /// What comes before each file, in one request with it: its own answer would have to be waited for.
    pub(in crate::mysql) before: &'static str,
    /// What follows each that has arrived whole.
    pub(in crate::mysql) after: Option<&'static str>,
    /// What the server has against a row, by what it shows of so many warnings.
    pub(in crate::mysql) objection: fn(&[Row], u16) -> Result<Option<Objection>>,
}

/// What is on its way by a lane.
pub(in crate::mysql) struct Lane<K>(oneshot::Receiver<Arrival<K>>);

/// How a lane has ended.
pub(in crate::mysql) enum Arrival<K> {
    /// Whatever it took has arrived.
    Whole,
    /// The last file has not, and nothing was sent behind it.
    Stopped {
        /// What the server has against a row of it, or what has failed.
        why: Attempt<Objection>,
        /// What was kept of it.
        kept: Vec<K>,
    },
}

impl<K: Send + 'static> Parts<K> {
    /// Parts on their way, and where they are put.
    pub(in crate::mysql) fn new() -> (mpsc::Sender<Part<K>>, Self) {
        // One waits while another is made ready.
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self(Arc::new(Mutex::new(receiver))))
    }

    /// The next part; none when there will be no more.
    pub(in crate::mysql) async fn next(&self) -> Option<Part<K>> {
        self.0.lock().await.recv().await
    }

    /// From here on nothing is put there any more.
    async fn close(&self) {
        self.0.lock().await.close();
    }
}

impl<K> Clone for Parts<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Line {
    /// Loads parts until there are no more, or one does not arrive, by a `LOAD DATA LOCAL INFILE` that `statement` writes around the
    /// name by which the server has to ask for each file: for any other it is given nothing. What is asked meanwhile waits for
    /// the end.
    pub(in crate::mysql) fn begin_lane<K: Send + 'static>(
        &self,
        course: Course,
        statement: impl FnOnce(&str) -> String,
        parts: Parts<K>,
    ) -> Lane<K> {
        let name = self.files.name();
        let statement = format!("{}; {}", course.before, statement(&name));
        let (told, answer) = oneshot::channel();
        let files = self.files.clone();
        let loading = request(move |conn| {
            async move {
                let arrival = load_all(conn, (&files, &name), (&course, &statement), &parts).await;
                if let Arrival::Stopped { .. } = arrival {
                    parts.close().await;
                }
                let _ = told.send(arrival);
            }
            .boxed()
        });
        // Where the line is gone, the answer says so.
        let _ = self.requests.send(loading);
        Lane(answer)
    }
}

impl<K> Lane<K> {
    /// Waits for the end.
    pub(in crate::mysql) async fn end(self) -> Arrival<K> {
        self.0.await.unwrap_or_else(|_| Arrival::Stopped { why: Err(gone().into()), kept: Vec::new() })
    }
}

async fn load_all<K: Send + 'static>(
    conn: &mut Conn,
    (files, name): (&Files, &str),
    (course, statement): (&Course, &str),
    parts: &Parts<K>,
) -> Arrival<K> {
    let mut arrived = Vec::new();
    // A file begins with its first rows: the server is not to wait for them in the midst of a statement.
    while let Some(first) = parts.next().await {
        let mut kept = Vec::new();
        let (chunks, file) = mpsc::channel(limits::STREAM_AHEAD);
        files.offer(name, file);
        let loading = async {
            let loaded = load(conn, course, statement).await;
            // Where the server has not asked for the file, nobody is to wait until it does.
            files.withdraw();
            loaded
        };
        let feeding = feed(first, std::mem::take(&mut arrived), parts, chunks, &mut kept);
        let (loaded, rows) = join(loading, feeding).await;
        match settle(conn, course, loaded, rows).await {
            Ok(None) => arrived = kept,
            Ok(Some(objection)) => return Arrival::Stopped { why: Ok(objection), kept },
            Err(failure) => return Arrival::Stopped { why: Err(failure), kept },
        }
    }
    Arrival::Whole
}

/// Loads one file. Returns how many rows the server took of it, and what it has against one.
async fn load(conn: &mut Conn, course: &Course, statement: &str) -> Attempt<(u64, Option<Objection>)> {
    let Outcome { rows, warnings } = run(conn, statement.to_owned()).await?;
    if warnings == 0 {
        return Ok((rows, None));
    }
    let shown: Vec<Row> = conn.query("SHOW WARNINGS").await?;
    Ok((rows, (course.objection)(&shown, warnings)?))
}

/// What the server has against a file of so many rows; where nothing, what follows it is done.
async fn settle(
    conn: &mut Conn,
    course: &Course,
    loaded: Attempt<(u64, Option<Objection>)>,
    rows: u64,
) -> Attempt<Option<Objection>> {
    let (taken, objection) = loaded?;
    if objection.is_some() {
        return Ok(objection);
    }
    if taken != rows {
        return Ok(Some((Reason::Refused, "the server left rows out without a word".to_owned())));
    }
    if let Some(statement) = course.after {
        conn.query_drop(statement).await?;
    }
    Ok(None)
}

/// Writes a file until it is full, or the server takes no more of it. Returns how many rows it holds. What was kept of the file before
/// is given up once the server is at work: that takes its time.
async fn feed<K: Send + 'static>(
    first: Part<K>,
    mut arrived: Vec<K>,
    parts: &Parts<K>,
    chunks: mpsc::Sender<Bytes>,
    kept: &mut Vec<K>,
) -> u64 {
    let (mut rows, mut bytes, mut next) = (0, 0, Some(first));
    while let Some(part) = next {
        rows += part.rows;
        bytes += part.bytes;
        kept.push(part.kept);
        for piece in part.pieces {
            if chunks.send(piece).await.is_err() {
                return rows;
            }
        }
        arrived.clear();
        next = if bytes < limits::LOAD_FILE_BYTES { parts.next().await } else { None };
    }
    rows
}
