//! Every promise of the store ports, kept by every store.

use std::sync::Arc;

use syncline_core::cancel::Cancel;
use syncline_core::capture::PacedStore;
use syncline_core::pace::{Lane, Pace};
use syncline_core::store::Store;
use syncline_stores::mysql::{self, MysqlStore};
use syncline_stores::postgres::{ConnectOptions, PostgresStore};
use syncline_stores::sqlite::{Access, SqliteStore};
use syncline_testkit::clock::SimulatedClock;
use syncline_testkit::conformance::{self, Lab, Pair};
use syncline_testkit::mariadb::{MariadbLab, Server};
use syncline_testkit::postgres::{Cluster, PostgresLab};
use syncline_testkit::sqlite::SqliteLab;

fn sqlite() -> Box<dyn Lab> {
    SqliteLab::boxed(|path| {
        Box::pin(async move { Arc::new(SqliteStore::open(&path, Access::Write).await.unwrap()) as Arc<dyn Store> })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_every_promise() {
    conformance::check_store(&sqlite).await;
}

fn postgres() -> Box<dyn Lab> {
    PostgresLab::boxed(|database| {
        let database = database.name().to_owned();
        let options = ConnectOptions { database, ..crate::postgres::options(Cluster::shared()) };
        Box::pin(async move { Arc::new(PostgresStore::open(options, None, true).await.unwrap()) as Arc<dyn Store> })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_every_promise() {
    conformance::check_store(&postgres).await;
}

fn mysql() -> Box<dyn Lab> {
    MariadbLab::boxed(|database| {
        let database = database.name().to_owned();
        let options = mysql::ConnectOptions { database, ..crate::mysql::options(Server::shared()) };
        Box::pin(async move { Arc::new(MysqlStore::open(options, true).await.unwrap()) as Arc<dyn Store> })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_keeps_every_promise() {
    conformance::check_store(&mysql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_and_sqlite_keep_every_promise_of_a_pair() {
    conformance::check_pair(Pair { from: &sqlite, into: &sqlite }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_and_postgres_keep_every_promise_of_a_pair() {
    conformance::check_pair(Pair { from: &postgres, into: &postgres }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_and_postgres_keep_every_promise_of_a_pair() {
    conformance::check_pair(Pair { from: &sqlite, into: &postgres }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_and_sqlite_keep_every_promise_of_a_pair() {
    conformance::check_pair(Pair { from: &postgres, into: &sqlite }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_and_mysql_keep_every_promise_of_a_pair() {
    conformance::check_pair(Pair { from: &mysql, into: &mysql }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_and_mysql_keep_every_promise_of_a_pair() {
    conformance::check_pair(Pair { from: &sqlite, into: &mysql }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_and_sqlite_keep_every_promise_of_a_pair() {
    conformance::check_pair(Pair { from: &mysql, into: &sqlite }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_and_mysql_keep_every_promise_of_a_pair() {
    conformance::check_pair(Pair { from: &postgres, into: &mysql }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_and_postgres_keep_every_promise_of_a_pair() {
    conformance::check_pair(Pair { from: &mysql, into: &postgres }).await;
}

/// All that is promised of reading, by a view that is slowed down.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_at_a_pace_keeps_every_promise_of_its_views() {
    let labs = || {
        SqliteLab::boxed(|path| {
            Box::pin(async move {
                let store = Arc::new(SqliteStore::open(&path, Access::Write).await.unwrap());
                let clock = Arc::new(SimulatedClock::new(|_| ()));
                let pace = Pace::new("200".parse().unwrap(), clock, Cancel::new());
                Arc::new(PacedStore::new(store, Arc::new(pace), Lane::Source)) as Arc<dyn Store>
            })
        })
    };
    for about in [
        "snapshot: ",
        "scan: ",
        "count: ",
        "digest: ",
        "sum: ",
        "fetch: ",
        "flow: streams",
        "flow: no memory",
        "copies: ",
        "twin: ",
        "track: ",
    ] {
        conformance::check_store_for(about, &labs).await;
    }
}
