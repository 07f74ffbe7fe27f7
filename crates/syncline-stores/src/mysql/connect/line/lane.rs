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
use syncline_core::limits;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::files::Files;
use super::{Answer, Line, Outcome, gone, request, run};

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
#[derive(Clone)]
pub(in crate::mysql) struct Course {
    /// The `LOAD DATA LOCAL INFILE`, around the name of the file.
    pub(in crate::mysql) statement: Arc<dyn Fn(&str) -> String + Send + Sync>,
    /// What comes before it, each time: another answer would have to be waited for.
    pub(in crate::mysql) before: &'static str,
    /// What follows each file that has arrived whole.
    pub(in crate::mysql) after: Option<&'static str>,
    /// Whether what the server warned of, so many times in all, says nothing about a row.
    pub(in crate::mysql) is_harmless: fn(&[Row], u16) -> bool,
}

/// What is on its way by a lane.
pub(in crate::mysql) struct Lane<K>(oneshot::Receiver<Arrival<K>>);

/// How a lane has ended.
pub(in crate::mysql) enum Arrival<K> {
    /// Whatever it took has arrived.
    Whole,
    /// The last file has not, and nothing was sent behind it.
    Stopped {
        /// Why, where it is not what the server warned of, or rows it left out.
        error: Option<mysql_async::Error>,
        /// What was kept of that file.
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
    /// Loads parts until there are no more, or one does not arrive. What is asked meanwhile waits for its end.
    pub(in crate::mysql) fn begin_lane<K: Send + 'static>(&self, course: Course, parts: Parts<K>) -> Lane<K> {
        let (told, answer) = oneshot::channel();
        let files = self.files.clone();
        let loading = request(move |conn| {
            async move {
                let arrival = load_all(conn, &files, &course, &parts).await;
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
        self.0.await.unwrap_or_else(|_| Arrival::Stopped { error: Some(gone()), kept: Vec::new() })
    }
}

async fn load_all<K>(conn: &mut Conn, files: &Files, course: &Course, parts: &Parts<K>) -> Arrival<K>
where
    K: Send + 'static,
{
    let name = files.name();
    let statement = format!("{}; {}", course.before, (course.statement)(&name));
    let mut arrived = Vec::new();
    // A file begins with its first rows: the server is not to wait for them in the midst of a statement.
    while let Some(first) = parts.next().await {
        let mut kept = Vec::new();
        let (chunks, file) = mpsc::channel(limits::STREAM_AHEAD);
        files.offer(&name, file);
        let loading = async {
            let loaded = load(conn, course, &statement).await;
            // Where the server has not asked for the file, nobody is to wait until it does.
            files.withdraw();
            loaded
        };
        let feeding = feed(first, std::mem::take(&mut arrived), parts, chunks, &mut kept);
        let (loaded, rows) = join(loading, feeding).await;
        let error = match loaded {
            Ok(Some(taken)) if taken == rows => match follow(conn, course.after).await {
                Ok(()) => {
                    arrived = kept;
                    continue;
                }
                Err(error) => Some(error),
            },
            Ok(_) => None,
            Err(error) => Some(error),
        };
        return Arrival::Stopped { error, kept };
    }
    Arrival::Whole
}

/// Loads one file and returns how many rows the server took of it; `None` where it has something against one.
async fn load(conn: &mut Conn, course: &Course, statement: &str) -> Answer<Option<u64>> {
    let Outcome { rows, warnings } = run(conn, statement.to_owned()).await?;
    if warnings > 0 {
        let shown: Vec<Row> = conn.query("SHOW WARNINGS").await?;
        if !(course.is_harmless)(&shown, warnings) {
            return Ok(None);
        }
    }
    Ok(Some(rows))
}

async fn follow(conn: &mut Conn, statement: Option<&str>) -> Answer<()> {
    match statement {
        Some(statement) => conn.query_drop(statement).await,
        None => Ok(()),
    }
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
