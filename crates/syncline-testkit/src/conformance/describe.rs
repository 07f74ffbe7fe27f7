//! What a store says about itself, and that looking leaves nothing.

use super::rows::{create_orders, digests, fetch, keys, objects, scan, task};
use super::{Factory, Promise};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "describe: engine, version and rights are told", check: |labs| Box::pin(words(labs)) },
    Promise { name: "describe: identity stays through re-open", check: |labs| Box::pin(identity_stays(labs)) },
    Promise { name: "describe: another database has another identity", check: |labs| Box::pin(identity_differs(labs)) },
    Promise { name: "store: opening and reading leave nothing", check: |labs| Box::pin(reading_leaves_nothing(labs)) },
];

async fn words(labs: Factory<'_>) {
    let described = labs().open().await.describe().await.unwrap();
    assert!(["sqlite", "postgres", "mysql"].contains(&described.engine), "{described:?}");
    assert!(described.version.starts_with(|first: char| first.is_ascii_digit()), "{described:?}");
    assert!(!described.identity.is_empty(), "{described:?}");
    assert!(described.writable, "{described:?}");
    assert_ne!(described.free_bytes, Some(0), "{described:?}");
}

async fn identity_stays(labs: Factory<'_>) {
    let lab = labs();
    let first = lab.open().await;
    let before = first.describe().await.unwrap();
    assert_eq!(first.describe().await.unwrap().identity, before.identity, "asked twice");
    // An identity that depends on the content would change with it.
    create_orders(&*lab, 1, 100).await;
    assert_eq!(lab.open().await.describe().await.unwrap().identity, before.identity, "opened twice");
    drop(first);
    assert_eq!(lab.open().await.describe().await.unwrap().identity, before.identity, "opened again");
}

async fn identity_differs(labs: Factory<'_>) {
    let (one, other) = (labs(), labs());
    let one = one.open().await.describe().await.unwrap().identity;
    assert_ne!(one, other.open().await.describe().await.unwrap().identity);
}

async fn reading_leaves_nothing(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 2, 50).await;
    let before = objects(&*lab).await;
    let store = lab.open().await;
    store.describe().await.unwrap();
    let orders = task(&store, "orders").await;
    let mut snapshot = store.snapshot().await.unwrap();
    snapshot.count(&orders).await.unwrap();
    scan(&mut *snapshot, &orders).await;
    digests(&mut *snapshot, &orders).await;
    fetch(&mut *snapshot, &orders, &keys(&orders, &rows)).await;
    snapshot.position().await.unwrap();
    drop(snapshot);
    let mut writer = store.writer().await.unwrap();
    assert!(writer.checkpoints().await.unwrap().is_empty());
    drop(writer.begin().await.unwrap());
    drop(writer);
    drop(store);
    assert_eq!(objects(&*lab).await, before);
}
