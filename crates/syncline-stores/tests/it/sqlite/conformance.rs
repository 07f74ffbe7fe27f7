//! The promises of the store ports.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use syncline_core::store::Store;
use syncline_stores::{Access, SqliteStore};
use syncline_testkit::conformance::check_store;
use syncline_testkit::sqlite::SqliteLab;

fn open(path: PathBuf) -> BoxFuture<'static, Arc<dyn Store>> {
    async move {
        let store = SqliteStore::open(&path, Access::Write).await.unwrap();
        Arc::new(store) as Arc<dyn Store>
    }
    .boxed()
}

#[tokio::test]
async fn every_promise_of_the_store_ports_is_kept() {
    let promises = check_store(&|| SqliteLab::boxed(open)).await;
    assert!(promises > 50, "only {promises} promises were checked");
}
