//! PostgreSQL's own logical replication, between two databases of the same server.

use std::time::Instant;

use syncline_testkit::postgres::{Cluster, Options};

/// A server with a table and what subscribes to it. All go when it is dropped.
pub(crate) struct Subscription {
    cluster: Cluster,
    rows: u64,
}

impl Subscription {
    /// Two databases with the same rows, one of which follows the other from here on.
    pub(crate) fn new(fill: &str, rows: u64) -> Self {
        // Its log is to say more than others do, for which applications pay too: so it is a server of its own.
        let cluster = Options::default().setting("wal_level", "logical").start();
        for name in ["native_source", "native_target"] {
            cluster.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
            cluster.psql(name, fill);
        }
        // A subscription on the same server would wait for its own transaction to make the slot.
        cluster.psql(
            "native_source",
            "CREATE PUBLICATION p FOR TABLE t; SELECT pg_create_logical_replication_slot('s', 'pgoutput')",
        );
        let source = cluster.url("native_source");
        let with = "WITH (create_slot = false, slot_name = 's', copy_data = false)";
        cluster.psql("native_target", &format!("CREATE SUBSCRIPTION s CONNECTION '{source}' PUBLICATION p {with}"));
        Self { cluster, rows }
    }

    /// Seconds from the beginning of a statement that changes all rows until they are all there.
    pub(crate) fn update(&self, round: usize) -> f64 {
        let changed = format!("SELECT count(*) FROM t WHERE n = {}", round + 1);
        let began = Instant::now();
        self.cluster.psql("native_source", "UPDATE t SET n = n + 1");
        crate::follow::until(|| self.cluster.psql("native_target", &changed).trim() == self.rows.to_string());
        began.elapsed().as_secs_f64()
    }
}
