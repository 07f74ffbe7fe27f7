//! What is promised of reading, kept by views of MySQL.

use std::sync::Arc;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{Description, Finding, RunClaim, Side, Snapshot, Store, Writer};
use syncline_stores::mysql::snapshot::MysqlSnapshot;
use syncline_stores::mysql::{ConnectOptions, MysqlClaim, connect, describe, examine};
use syncline_testkit::conformance::{self, Lab};
use syncline_testkit::mariadb::{MariadbLab, Server};

/// A database that is only read.
struct Reading(Arc<ConnectOptions>);

#[async_trait]
impl Store for Reading {
    async fn describe(&self) -> Result<Description> {
        describe(&connect(&self.0).await?).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(MysqlSnapshot::open(Arc::clone(&self.0)).await?))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        Err(Error::new(Code::StoreReadOnly, "it is only read"))
    }

    async fn claim(&self, note: &str) -> Result<Box<dyn RunClaim>> {
        Ok(Box::new(MysqlClaim::take(&self.0, note).await?))
    }

    async fn examine(&self, side: Option<Side>) -> Result<Vec<Finding>> {
        let schema = self.snapshot().await?.schema().await?;
        examine::examine(&connect(&self.0).await?, &self.0, &schema, side).await
    }
}

fn lab() -> Box<dyn Lab> {
    MariadbLab::boxed(|database| {
        let database = database.name().to_owned();
        let options = ConnectOptions { database, ..super::options(Server::shared()) };
        Box::pin(async move { Arc::new(Reading(Arc::new(options))) as Arc<dyn Store> })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_promised_of_views_is_kept() {
    for about in [
        "describe: ",
        "examine: ",
        "schema: tables and columns",
        "schema: key columns",
        "schema: what else",
        "schema: nullable",
        "schema: uniques",
        "schema: foreign keys",
        "schema: views",
        "schema: triggers",
        "schema: an empty",
        "snapshot: later",
        "snapshot: several",
        "snapshot: the next",
        "snapshot: it stays",
        "position: ",
        "scan: ",
        "count: ",
        "estimate: ",
        "check_key: ",
        "digest: ",
        "sum: ",
        "fetch: ",
        "filter: every",
        "filter: its meaning",
        "filter: text",
        "mask: ",
        "flow: ",
        "cells: every kind is read",
        "cells: wide rows",
        "twin: ",
        "claim: databases",
        "claim: it is free",
        "claim: it leaves",
        "claim: of many",
        "claim: there is one",
        "copies: digests",
        "copies: rows",
    ] {
        conformance::check_store_for(about, &lab).await;
    }
}
