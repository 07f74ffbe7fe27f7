//! What is promised of reading, and can be seen without a writer, kept by PostgreSQL's views.

use std::sync::Arc;

use async_trait::async_trait;
use syncline_core::error::Result;
use syncline_core::store::{Description, RunClaim, Snapshot, Store, Writer};
use syncline_stores::postgres::{ConnectOptions, PostgresStore};
use syncline_testkit::conformance::{self, Lab};
use syncline_testkit::postgres::{Cluster, PostgresLab};

/// A store of which only the views are asked for.
struct Views(PostgresStore);

#[async_trait]
impl Store for Views {
    async fn describe(&self) -> Result<Description> {
        unreachable!("only views are asked for")
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(self.0.view().await?))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        unreachable!("only views are asked for")
    }

    async fn claim(&self, _note: &str) -> Result<Box<dyn RunClaim>> {
        unreachable!("only views are asked for")
    }
}

fn labs() -> Box<dyn Lab> {
    PostgresLab::boxed(|database| {
        let database = database.name().to_owned();
        let options = ConnectOptions { database, ..super::options(Cluster::shared()) };
        Box::pin(
            async move { Arc::new(Views(PostgresStore::open(options, None, false).await.unwrap())) as Arc<dyn Store> },
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn views_keep_every_promise_of_reading() {
    for about in [
        "snapshot: later",
        "snapshot: the next",
        "snapshot: several",
        "snapshot: it stays",
        "scan: ",
        "count: ",
        "estimate: ",
        "check_key: ",
        "sum: ",
        "digest: ",
        "fetch: ",
        "flow: ",
        "twin: ",
        "copies: digests",
        "copies: rows are fetched",
    ] {
        conformance::check_store_for(about, &labs).await;
    }
}
