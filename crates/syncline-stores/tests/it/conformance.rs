//! Every promise of the store ports, kept by every store.

use std::sync::Arc;

use syncline_core::store::Store;
use syncline_stores::sqlite::{Access, SqliteStore};
use syncline_testkit::conformance;
use syncline_testkit::sqlite::SqliteLab;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_every_promise() {
    let labs = || {
        SqliteLab::boxed(|path| {
            Box::pin(async move { Arc::new(SqliteStore::open(&path, Access::Write).await.unwrap()) as Arc<dyn Store> })
        })
    };
    conformance::check_store(&labs).await;
}
