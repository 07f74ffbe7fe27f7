//! What a database says about itself.

use syncline_stores::postgres::{ConnectOptions, connect, describe, warnings};
use syncline_stores::server::{Host, Password};
use syncline_testkit::postgres::{Cluster, Options, Stop, fresh_database};

use super::options;

#[tokio::test]
async fn a_database_is_itself_whatever_way_leads_there() {
    let (database, other) = (fresh_database(), fresh_database());
    let cluster = database.cluster();
    let to = |name: &str| ConnectOptions { database: name.to_owned(), ..options(cluster) };
    let here = describe(&connect(&to(database.name())).await.unwrap()).await.unwrap();
    let socket = Host::Socket(cluster.socket().to_owned());
    let alias = ConnectOptions { host: socket, ..to(database.name()) };
    assert_eq!(describe(&connect(&alias).await.unwrap()).await.unwrap(), here);
    assert!(here.writable && here.engine == "postgres" && here.identity.starts_with("postgres:"), "{here:?}");
    let elsewhere = describe(&connect(&to(other.name())).await.unwrap()).await.unwrap();
    assert_ne!(elsewhere.identity, here.identity);

    let name = database.name();
    database.psql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let read_only = describe(&connect(&to(name)).await.unwrap()).await.unwrap();
    assert!(!read_only.writable && read_only.identity == here.identity, "{read_only:?}");
}

#[tokio::test]
async fn a_standby_is_the_same_database_until_it_goes_its_own_way() {
    let cluster = Options::default().without_fsync().start();
    let here = options(&cluster);
    let now = async || describe(&connect(&here).await.unwrap()).await.unwrap();
    let primary = now().await;
    cluster.stop(Stop::Fast);
    std::fs::write(cluster.data().join("standby.signal"), "").unwrap();
    cluster.start();
    let standby = now().await;
    assert!(!standby.writable && standby.identity == primary.identity, "{standby:?} {primary:?}");
    cluster.psql("postgres", "SELECT pg_promote()");
    let promoted = now().await;
    assert!(promoted.writable && promoted.identity != primary.identity, "{promoted:?} {primary:?}");
}

#[tokio::test]
async fn what_is_risky_is_said() {
    let said = async |options: &ConnectOptions| warnings(&connect(options).await.unwrap()).await.unwrap().join("\n");
    let risky = Options::default().without_fsync().setting("synchronous_commit", "off").start();
    let text = said(&options(&risky)).await;
    for word in ["superuser", "fsync is off", "full_page_writes", "synchronous_commit"] {
        assert!(text.contains(word), "{text}");
    }
    let cluster = Cluster::own();
    cluster.psql("postgres", "CREATE ROLE plain LOGIN PASSWORD 'secret'");
    let plain =
        ConnectOptions { user: "plain".to_owned(), password: Some(Password::new("secret")), ..options(&cluster) };
    assert_eq!(said(&plain).await, "");
}
