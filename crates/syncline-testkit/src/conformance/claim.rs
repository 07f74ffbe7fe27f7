//! The right of one run to change a database: one holder, seen by all, gone with it.

use std::sync::Arc;

use syncline_core::error::{Code, Error};
use syncline_core::store::Store;
use syncline_core::value::Value;

use super::rows::{create_orders, objects};
use super::{Factory, Promise};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "claim: there is one, and its note names the holder", check: |labs| Box::pin(one_holder(labs)) },
    Promise { name: "claim: it is free again once it is dropped", check: |labs| Box::pin(given_back(labs)) },
    Promise { name: "claim: others read and write as before", check: |labs| Box::pin(others_go_on(labs)) },
    Promise { name: "claim: it leaves nothing in the database", check: |labs| Box::pin(leaves_nothing(labs)) },
    Promise { name: "claim: databases are claimed one by one", check: |labs| Box::pin(one_by_one(labs)) },
    Promise { name: "claim: of many at once each has it alone", check: |labs| Box::pin(alone(labs)) },
];

async fn refusal(store: &dyn Store) -> Error {
    match store.claim("the second").await {
        Ok(_) => panic!("two hold the claim"),
        Err(error) => error,
    }
}

async fn one_holder(labs: Factory<'_>) {
    let lab = labs();
    let (first, second) = (lab.open().await, lab.open().await);
    let held = first.claim("the first").await.unwrap();
    let words = async |store: &dyn Store| {
        let error = refusal(store).await;
        (error.code(), error.why().map(str::to_owned))
    };
    assert_eq!(words(&*second).await, (Code::RunLocked, Some("the first".to_owned())));
    assert_eq!(words(&*first).await.0, Code::RunLocked, "the same store");
    held.note("another note").await;
    assert_eq!(words(&*second).await, (Code::RunLocked, Some("another note".to_owned())));
}

async fn given_back(labs: Factory<'_>) {
    let lab = labs();
    let (first, second) = (lab.open().await, lab.open().await);
    for _ in 0..3 {
        drop(first.claim("the first").await.unwrap());
        drop(second.claim("the second").await.unwrap());
    }
    let held = first.claim("the first").await.unwrap();
    // The store may go before its claim.
    drop(first);
    refusal(&*second).await;
    drop(held);
    second.claim("the second").await.unwrap();
}

async fn others_go_on(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 1, 10).await;
    let store = lab.open().await;
    let _held = store.claim("a run").await.unwrap();
    lab.run_sql("DELETE FROM orders").await;
    assert_eq!(lab.query("SELECT count(*) FROM orders").await, [[Value::Int(0)]]);
    // The holder's own ways to the database are open too, and so are those of a second store.
    for store in [store.as_ref(), lab.open().await.as_ref()] {
        store.snapshot().await.unwrap().schema().await.unwrap();
        store.writer().await.unwrap().begin().await.unwrap();
    }
}

async fn leaves_nothing(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 1, 10).await;
    let before = objects(&*lab).await;
    let store = lab.open().await;
    let held = store.claim("a run").await.unwrap();
    assert_eq!(objects(&*lab).await, before, "while it is held");
    drop(held);
    assert_eq!(objects(&*lab).await, before, "afterwards");
}

async fn one_by_one(labs: Factory<'_>) {
    let (one, other) = (labs(), labs());
    let (one, other) = (one.open().await, other.open().await);
    let _held = one.claim("a run").await.unwrap();
    other.claim("another run").await.unwrap();
}

async fn alone(labs: Factory<'_>) {
    let lab = labs();
    let inside = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let mut at_once = Vec::new();
    for _ in 0..8 {
        let (store, inside) = (lab.open().await, Arc::clone(&inside));
        at_once.push(async move {
            let mut had = 0;
            while had < 25 {
                match store.claim("one of many").await {
                    Ok(held) => {
                        let others = inside.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
                        assert_eq!(others, 0, "two hold the claim");
                        // The others get their turn to try.
                        tokio::task::yield_now().await;
                        inside.fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
                        drop(held);
                        had += 1;
                    }
                    Err(error) => assert_eq!(error.code(), Code::RunLocked, "{error}"),
                }
            }
        });
    }
    futures_util::future::join_all(at_once).await;
}
