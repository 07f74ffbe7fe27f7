//! The session of a writer: statements, rows in and rows out, and taking back a part that failed.

use std::pin::{Pin, pin};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::value::{Row, RowBatch};
use tokio_postgres::SimpleQueryMessage;

use crate::postgres::codec::{Codec, Decoder, Encoder};
use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::{Attempt, Doing, Failure};
use crate::refused::Objection;

/// Where a part of a transaction begins that may be taken back.
const GUARD: &str = "SAVEPOINT _syncline";

/// Ends such a part, which stays.
const KEEP: &str = "RELEASE SAVEPOINT _syncline";

/// Takes such a part back.
const TAKE_BACK: &str = "ROLLBACK TO SAVEPOINT _syncline; RELEASE SAVEPOINT _syncline";

/// A writer's session.
pub(in crate::postgres) struct Session(Connection);

impl Session {
    pub(in crate::postgres) fn new(connection: Connection) -> Self {
        Self(connection)
    }

    /// The connection, for the parts of the store that read.
    pub(in crate::postgres) fn connection(&self) -> &Connection {
        &self.0
    }

    /// The error a person sees for a part that failed while writing.
    pub(in crate::postgres) fn said<T>(&self, done: Attempt<T>) -> Result<T> {
        done.map_err(|failure| self.0.error_while(failure, Doing::Writing))
    }

    /// Runs one or more statements.
    pub(in crate::postgres) async fn run(&self, sql: &str) -> Attempt<()> {
        Ok(self.0.client.batch_execute(sql).await?)
    }

    /// Sends statements and waits for nothing: for what has to be said while something is being dropped.
    pub(in crate::postgres) fn say(&self, sql: &str) {
        // The first look at it sends it; whether it went well, whoever comes next sees.
        let _ = futures_util::FutureExt::now_or_never(self.0.client.batch_execute(sql));
    }

    /// Runs one statement that writes rows of a table and returns how many. What the database has against a row takes
    /// back the statement alone.
    ///
    /// # Errors
    /// What is about more than a row.
    pub(in crate::postgres) async fn write(
        &self,
        table: &str,
        sql: &str,
    ) -> Attempt<std::result::Result<u64, Objection>> {
        match self.0.client.simple_query(&format!("{GUARD}; {sql}; {KEEP}")).await {
            Ok(answers) => Ok(Ok(counted(&answers))),
            Err(error) => self.objection(table, error).await.map(Err),
        }
    }

    /// Sends rows by COPY. `next` pushes one at a time, and tells whether there was one left. What the database has against
    /// a row takes back all of them.
    ///
    /// # Errors
    /// What is about more than a row.
    pub(in crate::postgres) async fn copy(
        &self,
        table: &str,
        sql: &str,
        codecs: Vec<Codec>,
        mut next: impl FnMut(&mut Encoder) -> bool + Send,
    ) -> Attempt<std::result::Result<u64, Objection>> {
        let mut copy = self.begin_copy(sql, codecs).await?;
        while next(&mut copy.encoder) && copy.pass_on().await {}
        self.end_copy(table, copy).await
    }

    /// Begins to send rows by COPY. Nothing else can be asked of the session before [`Session::end_copy`], or before what
    /// this returns is dropped, which takes back all of them and the transaction with them.
    pub(in crate::postgres) async fn begin_copy(&self, sql: &str, codecs: Vec<Codec>) -> Attempt<CopyIn> {
        // Polled in this order, so that one wait is enough for both.
        let (begun, sink) =
            futures_util::future::join(self.0.client.batch_execute(GUARD), self.0.client.copy_in(sql)).await;
        begun?;
        Ok(CopyIn { encoder: Encoder::new(codecs), sink: Box::pin(sink?) })
    }

    /// Sends what is left of the rows and returns how many there were. What the database has against a row takes back all
    /// of them.
    ///
    /// # Errors
    /// What is about more than a row.
    pub(in crate::postgres) async fn end_copy(
        &self,
        table: &str,
        copy: CopyIn,
    ) -> Attempt<std::result::Result<u64, Objection>> {
        match copy.finish().await {
            Ok(rows) => self.run(KEEP).await.map(|()| Ok(rows)),
            Err(error) => self.objection(table, error).await.map(Err),
        }
    }

    /// As [`Session::write`], for a statement that returns a value of each row: returns these as text.
    ///
    /// # Errors
    /// What is about more than a row.
    pub(in crate::postgres) async fn write_returning(
        &self,
        table: &str,
        sql: &str,
    ) -> Attempt<std::result::Result<Vec<String>, Objection>> {
        let answers = match self.0.client.simple_query(&format!("{GUARD}; {sql}; {KEEP}")).await {
            Ok(answers) => answers,
            Err(error) => return self.objection(table, error).await.map(Err),
        };
        let value = |answer: SimpleQueryMessage| match answer {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        };
        Ok(Ok(answers.into_iter().filter_map(value).collect()))
    }

    /// Shows the rows of a query one by one.
    pub(in crate::postgres) async fn each_row(
        &self,
        query: &str,
        codecs: &[Codec],
        mut each: impl FnMut(Row<'_>) -> Result<()> + Send,
    ) -> Attempt<()> {
        let mut batch = RowBatch::new(codecs.len());
        let mut decoder = Decoder::new(codecs.to_vec());
        let sql = format!("COPY ({query}) TO STDOUT (FORMAT binary)");
        let mut chunks = pin!(self.0.client.copy_out(&sql).await?);
        while let Some(chunk) = chunks.next().await.transpose()? {
            decoder.read_into(&chunk, &mut batch)?;
            batch.rows().try_for_each(&mut each)?;
            batch.clear();
        }
        Ok(decoder.finish()?)
    }

    /// The rows of a query, as many as it takes to pass so many bytes.
    pub(in crate::postgres) async fn rows(&self, query: &str, codecs: &[Codec], bytes: usize) -> Attempt<RowBatch> {
        let mut batch = RowBatch::new(codecs.len());
        let mut decoder = Decoder::new(codecs.to_vec());
        let sql = format!("COPY ({query}) TO STDOUT (FORMAT binary)");
        let mut chunks = pin!(self.0.client.copy_out(&sql).await?);
        while let Some(chunk) = chunks.next().await.transpose()? {
            decoder.read_into(&chunk, &mut batch)?;
            if batch.bytes() > bytes {
                // The driver reads what is left and forgets it.
                return Ok(batch);
            }
        }
        decoder.finish()?;
        Ok(batch)
    }

    /// The rows of a query that returns whole numbers, all of them.
    pub(in crate::postgres) async fn numbers(&self, query: &str) -> Attempt<Vec<Vec<i64>>> {
        let answers = self.0.client.simple_query(query).await?;
        let row = |answer: SimpleQueryMessage| match answer {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len()).map(|at| row.get(at).and_then(|text| text.parse().ok())).collect::<Option<Vec<i64>>>(),
            ),
            _ => None,
        };
        let rows: Option<Vec<_>> = answers.into_iter().filter_map(row).collect();
        rows.ok_or_else(|| bug("the server returned what is no number"))
    }

    async fn objection(&self, table: &str, error: tokio_postgres::Error) -> Attempt<Objection> {
        let objection = Failure::of_row(table)(error).refusal()?;
        self.run(TAKE_BACK).await?;
        Ok(objection)
    }
}

pub(in crate::postgres) fn bug(what: &str) -> Failure {
    Error::new(Code::Internal, what).into()
}

/// Rows on their way into a table.
pub(in crate::postgres) struct CopyIn {
    /// Rows are pushed here.
    pub(in crate::postgres) encoder: Encoder,
    sink: Pin<Box<tokio_postgres::CopyInSink<Bytes>>>,
}

impl CopyIn {
    /// Hands what was pushed to the connection once it is worth a message. `false` when the server takes no more: why, the
    /// end says.
    pub(in crate::postgres) async fn pass_on(&mut self) -> bool {
        self.encoder.len() < limits::COPY_CHUNK_BYTES || self.sink.send(self.encoder.take()).await.is_ok()
    }

    /// Hands rows over that are encoded already. Why the server takes them no more, the end says.
    pub(in crate::postgres) async fn pass_on_raw(&mut self, rows: Bytes) {
        if !self.encoder.is_empty() && self.sink.send(self.encoder.take()).await.is_err() {
            return;
        }
        let _ = self.sink.send(rows).await;
    }

    async fn finish(self) -> std::result::Result<u64, tokio_postgres::Error> {
        let Self { encoder, mut sink } = self;
        // Where the server has refused before, this fails and the end says why.
        let _ = sink.send(encoder.finish()).await;
        sink.as_mut().finish().await
    }
}

/// What the statement between the two of the guard has counted.
fn counted(answers: &[SimpleQueryMessage]) -> u64 {
    let mut counts = answers.iter().filter_map(|answer| match answer {
        SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
        _ => None,
    });
    counts.nth(1).unwrap_or(0)
}
