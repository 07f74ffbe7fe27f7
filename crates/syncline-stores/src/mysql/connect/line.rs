//! The line to a server: requests are carried out one after the other by a task that owns the driver's connection.
//!
//! A request that nobody waits for any more is carried to its end all the same. Otherwise the next one would read an answer
//! that is not its own. The server is asked to stop where that end is only rows that are read.

mod files;
mod lane;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, OptsBuilder, Params, QueryResult, Row};
use syncline_core::limits;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::files::Files;
pub(in crate::mysql) use self::lane::{Arrival, Course, Lane, Part, Parts};

/// What the driver returns.
type Answer<T> = Result<T, Error>;

type Request = Box<dyn for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, ()> + Send>;

fn request(work: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, ()> + Send + 'static) -> Request {
    Box::new(work)
}

/// What a statement has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::mysql) struct Outcome {
    /// Rows that it hit, changed or not.
    pub(in crate::mysql) rows: u64,
    /// What the server found worth a warning.
    pub(in crate::mysql) warnings: u16,
}

/// The line to a server. Once it is dropped, what was asked is still carried out, and then the session ends.
pub(in crate::mysql) struct Line {
    requests: mpsc::UnboundedSender<Request>,
    files: Files,
    stop: Stop,
}

impl Line {
    /// Reaches a server.
    pub(super) async fn dial(opts: OptsBuilder) -> Answer<Self> {
        let files = Files::default();
        let opts = Opts::from(opts.local_infile_handler(Some(files.clone())));
        let mut conn = Conn::new(opts.clone()).await?;
        let id = conn.id();
        let (requests, mut waiting) = mpsc::unbounded_channel::<Request>();
        tokio::spawn(async move {
            while let Some(request) = waiting.recv().await {
                request(&mut conn).await;
            }
            // The server notices the end of a session by itself, if not at once.
            let _ = timeout(GOODBYE, conn.disconnect()).await;
        });
        Ok(Self { requests, files, stop: Stop { opts, id } })
    }

    /// The rows of a query, as text.
    pub(in crate::mysql) async fn query(&self, sql: impl Into<String>) -> Answer<Vec<Row>> {
        let sql = sql.into();
        self.ask_for(|conn| async move { conn.query(sql).await }.boxed()).await
    }

    /// The rows of a query with parameters, each value in its own type.
    pub(in crate::mysql) async fn exec(&self, sql: impl Into<String>, params: impl Into<Params>) -> Answer<Vec<Row>> {
        let (sql, params) = (sql.into(), params.into());
        self.ask_for(|conn| async move { conn.exec(sql, params).await }.boxed()).await
    }

    /// Carries out a statement.
    pub(in crate::mysql) async fn run(&self, sql: impl Into<String>) -> Answer<Outcome> {
        let sql = sql.into();
        self.ask(|conn| run(conn, sql).boxed()).await
    }

    /// Carries out a statement in whatever character set the session is told of.
    pub(in crate::mysql) async fn run_bytes(&self, sql: Vec<u8>) -> Answer<()> {
        self.ask(|conn| async move { conn.query_drop(sql).await }.boxed()).await
    }

    /// Carries out a statement with parameters.
    pub(in crate::mysql) async fn run_with(
        &self,
        sql: impl Into<String>,
        params: impl Into<Params>,
    ) -> Answer<Outcome> {
        let (sql, params) = (sql.into(), params.into());
        self.ask(|conn| {
            async move {
                conn.exec_drop(sql, params).await?;
                Ok(Outcome { rows: conn.affected_rows(), warnings: conn.get_warnings() })
            }
            .boxed()
        })
        .await
    }

    /// Sends a statement and waits for nothing: for what has to be said while something is being dropped.
    pub(in crate::mysql) fn say(&self, sql: impl Into<String>) {
        let sql = sql.into();
        // Should it fail, the next request finds out why.
        let _ = self.requests.send(Box::new(move |conn| conn.query_drop(sql).map(drop).boxed()));
    }

    /// Begins to read the rows of a query, each value in its own type. What is asked meanwhile waits for the last row, or
    /// for [`Rows`] to be dropped: then the server is asked to stop.
    pub(in crate::mysql) fn read(&self, sql: impl Into<String>, params: impl Into<Params>) -> Rows {
        let (sql, params, stop) = (sql.into(), params.into(), self.stop.clone());
        let (chunks, rows) = mpsc::channel(limits::STREAM_AHEAD);
        let reading = request(move |conn| {
            async move {
                let last = match stop.unless_wanted(conn.exec_iter(sql, params), chunks.closed()).await {
                    Ok(result) => send(result, &chunks, &stop).await,
                    Err(error) => Some(Err(error)),
                };
                if let Some(last) = last {
                    // Without the last word a reader takes a line that died for one that has ended.
                    let _ = chunks.send(last).await;
                }
            }
            .boxed()
        });
        // Where the line is gone, nobody will send anything, and that is told.
        let _ = self.requests.send(reading);
        Rows { rows }
    }

    /// Asks for rows: the server is asked to stop where nobody waits for them any more.
    async fn ask_for<T, W>(&self, work: W) -> Answer<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Answer<T>> + Send + 'static,
    {
        let (mut told, answer) = oneshot::channel();
        let stop = self.stop.clone();
        let asking = request(move |conn| {
            let working = work(conn);
            async move {
                let found = stop.unless_wanted(working, told.closed()).await;
                let _ = told.send(found);
            }
            .boxed()
        });
        let _ = self.requests.send(asking);
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Carries out what is not to be stopped half-way.
    async fn ask<T, W>(&self, work: W) -> Answer<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Answer<T>> + Send + 'static,
    {
        let (told, answer) = oneshot::channel();
        let asking = request(move |conn| {
            let working = work(conn);
            async move {
                // Nobody may be waiting any more.
                let _ = told.send(working.await);
            }
            .boxed()
        });
        let _ = self.requests.send(asking);
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

async fn run(conn: &mut Conn, sql: String) -> Answer<Outcome> {
    conn.query_drop(sql).await?;
    Ok(Outcome { rows: conn.affected_rows(), warnings: conn.get_warnings() })
}

/// How long the end of a session may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Rows in a chunk, at most.
const CHUNK_ROWS: usize = 128;

/// Some rows, or the last word: nothing when the last row has been sent.
type Chunk = Answer<Vec<Row>>;

/// Rows on their way.
pub(in crate::mysql) struct Rows {
    rows: mpsc::Receiver<Chunk>,
}

impl Rows {
    /// Some of the rows; none when there are no more.
    pub(in crate::mysql) async fn next(&mut self) -> Answer<Vec<Row>> {
        self.rows.recv().await.unwrap_or_else(|| Err(gone()))
    }
}

/// Sends the rows of a result, and returns the last word, unless nobody wants it.
async fn send(
    mut result: QueryResult<'_, 'static, mysql_async::BinaryProtocol>,
    chunks: &mpsc::Sender<Chunk>,
    stop: &Stop,
) -> Option<Chunk> {
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    loop {
        match stop.unless_wanted(result.next(), chunks.closed()).await {
            Ok(Some(row)) => {
                bytes += size(&row);
                chunk.push(row);
            }
            Ok(None) if chunk.is_empty() => return Some(Ok(Vec::new())),
            Ok(None) => {
                // The last word follows the last rows.
                let _ = chunks.send(Ok(chunk)).await;
                return Some(Ok(Vec::new()));
            }
            Err(error) => return Some(Err(error)),
        }
        if chunk.len() >= CHUNK_ROWS || bytes >= limits::COPY_CHUNK_BYTES {
            if chunks.send(Ok(std::mem::take(&mut chunk))).await.is_err() {
                stop.abandon(result).await;
                return None;
            }
            bytes = 0;
        }
    }
}

/// How the server is asked to stop what it does for a session.
#[derive(Clone)]
struct Stop {
    opts: Opts,
    id: u32,
}

impl Stop {
    /// Waits for an answer; once it is not wanted any more the server is asked to stop, and the answer is what it says then.
    async fn unless_wanted<T>(&self, answer: impl Future<Output = T>, unwanted: impl Future<Output = ()>) -> T {
        let mut answer = pin!(answer);
        if let Either::Left((answer, _)) = select(answer.as_mut(), pin!(unwanted)).await {
            return answer;
        }
        if let Ok(answer) = timeout(limits::COPY_DRAINED_WITHIN, answer.as_mut()).await {
            return answer;
        }
        self.ask().await;
        answer.await
    }

    /// Brings what nobody wants any more to its end. A little is waited for; for more the server is asked to stop.
    async fn abandon(&self, mut result: QueryResult<'_, 'static, mysql_async::BinaryProtocol>) {
        let rest = async { while let Ok(Some(_)) = result.next().await {} };
        self.unless_wanted(rest, std::future::ready(())).await;
    }

    /// Where the request does not get through, the rest has to come. One that comes late finds nothing to stop: it is for
    /// the statement alone, and the session waits until it has been heard.
    async fn ask(&self) {
        if let Ok(mut other) = Conn::new(self.opts.clone()).await {
            let _ = other.query_drop(format!("KILL QUERY {}", self.id)).await;
            let _ = timeout(GOODBYE, other.disconnect()).await;
        }
    }
}

fn size(row: &Row) -> usize {
    (0..row.len()).map(|at| row.as_ref(at).map_or(0, |value| value.bin_len() as usize)).sum()
}

fn gone() -> Error {
    mysql_async::DriverError::ConnectionClosed.into()
}
