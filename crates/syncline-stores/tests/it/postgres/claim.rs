//! The right of one run to change a database.

use std::sync::mpsc;

use syncline_core::error::{Code, Error};
use syncline_core::store::RunClaim;
use syncline_stores::postgres::{ConnectOptions, PostgresClaim};
use syncline_stores::server::Password;
use syncline_testkit::postgres::{Database, fresh_database};

use super::options;

fn to(database: &Database<'_>) -> ConnectOptions {
    ConnectOptions { database: database.name().to_owned(), ..options(database.cluster()) }
}

async fn refused(options: &ConnectOptions) -> Error {
    let Err(error) = PostgresClaim::take(options, "the second").await else { panic!("two hold the claim") };
    error
}

#[tokio::test]
async fn there_is_one_holder_and_everybody_sees_who() {
    let (database, other) = (fresh_database(), fresh_database());
    let here = to(&database);
    let role = format!("{}_plain", database.name());
    database.psql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'secret'"));
    let plain = ConnectOptions { user: role.clone(), password: Some(Password::new("secret")), ..here.clone() };
    let held = PostgresClaim::take(&here, "the first").await.unwrap();
    let _apart = PostgresClaim::take(&to(&other), "of another database").await.unwrap();
    for (note, options) in [("the first", &here), ("the first", &plain), ("another note", &plain)] {
        held.note(note).await;
        let error = refused(options).await;
        assert_eq!((error.code(), error.why()), (Code::RunLocked, Some(note)), "{error:?}");
    }
    drop(held);
    let held = PostgresClaim::take(&plain, "the third").await.unwrap();
    assert_eq!(refused(&here).await.why(), Some("the third"));
    drop(held);
    database.psql(&format!("DROP ROLE {role}"));
}

#[tokio::test]
async fn it_goes_with_its_process() {
    let database = fresh_database();
    let here = to(&database);
    let (taken, wait) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let options = here.clone();
    let process = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Never dropped: its sockets go with the runtime, as they go with a process that is killed.
        std::mem::forget(runtime.block_on(PostgresClaim::take(&options, "the first")).unwrap());
        taken.send(()).unwrap();
        let _ = ended.recv();
    });
    wait.recv().unwrap();
    assert_eq!(refused(&here).await.code(), Code::RunLocked);
    drop(end);
    process.join().unwrap();
    PostgresClaim::take(&here, "the second").await.unwrap();
}

#[tokio::test]
async fn a_database_that_cannot_be_written_cannot_be_claimed() {
    let database = fresh_database();
    let name = database.name();
    database.psql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    assert_eq!(refused(&to(&database)).await.code(), Code::StoreReadOnly);
}
