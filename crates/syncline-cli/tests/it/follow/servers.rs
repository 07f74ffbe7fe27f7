//! Servers that are followed, and that go and come back.

use syncline_testkit::{mariadb, postgres};

use super::*;

const TABLES: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(40)); CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t (id))";

fn edits(round: usize) -> Vec<String> {
    let (a, b) = (round * 10 + 1, round * 10 + 2);
    vec![
        format!("INSERT INTO t VALUES ({a}, 'new'), ({b}, 'new'); INSERT INTO u VALUES ({a}, {a})"),
        format!("UPDATE t SET v = 'changed {round}' WHERE id = {a}"),
        format!("DELETE FROM u WHERE id = {a}; DELETE FROM t WHERE id = {b}"),
    ]
}

#[test]
fn every_engine_is_followed_by_every_other() {
    let (pg, pg2) = (postgres::fresh_database(), postgres::fresh_database());
    let (my, my2) = (mariadb::fresh_database(), mariadb::fresh_database());
    let scene = Scene::new()
        .with_variable("PG", &pg.url())
        .with_variable("PG2", &pg2.url())
        .with_variable("MY", &my.url())
        .with_variable("MY2", &my2.url());
    let write = |source: &str, sql: &str| match source {
        "env:PG" => drop(pg.psql(sql)),
        "env:MY" => drop(my.mariadb(sql)),
        file => scene.sql(file, sql),
    };
    for source in ["a.db", "env:PG", "env:MY"] {
        write(source, TABLES);
        scene.ok(&format!("track {source}"));
        for (round, target) in ["b.db", "env:PG2", "env:MY2"].into_iter().enumerate() {
            // Each is the target of one source after the other.
            let follower =
                Follower::start(&scene, &format!("mirror {source} {target} --max-delete 1000 --allow-empty-source"));
            for edit in edits(round) {
                write(source, &edit);
                until(&format!("{source} {target}: {edit}"), || is_equal(&scene, source, target));
            }
            follower.stop("-TERM");
        }
    }
}

/// The server of the source goes away and comes back, and then that of the target.
#[test]
fn a_server_that_comes_back_is_followed_again() {
    let (pg, my) = (postgres::Cluster::own(), mariadb::Server::own());
    let (source, target) = (pg.fresh_database(), my.fresh_database());
    let scene = Scene::new().with_variable("PG", &source.url()).with_variable("MY", &target.url());
    source.psql(TABLES);
    source.psql("INSERT INTO t VALUES (1, 'a')");
    scene.ok("track env:PG");
    let follower = Follower::start(&scene, "mirror env:PG env:MY");
    pg.restart(postgres::Stop::Immediate);
    source.psql("INSERT INTO t VALUES (2, 'behind the first')");
    until("the source is followed again", || is_equal(&scene, "env:PG", "env:MY"));
    source.psql("INSERT INTO t VALUES (3, 'before the second')");
    my.restart(mariadb::Stop::Kill);
    source.psql("UPDATE t SET v = 'x'");
    until("the target is written again", || is_equal(&scene, "env:PG", "env:MY"));
    let said = follower.said();
    assert!(said.contains("next attempt"), "{said}");
    follower.stop("-TERM");
}
