use std::path::Path;

use super::*;

#[test]
fn databases_of_one_server_are_apart_and_go_at_the_end() {
    let (one, two) = (fresh_database(), fresh_database());
    one.psql("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, NULL), (2, ''), (3, E'x\\ny|z')");
    let cell = |text: &str| Some(text.to_owned());
    let expected = [[cell("1"), None], [cell("2"), cell("")], [cell("3"), cell("x\ny|z")]];
    assert_eq!(one.rows("SELECT a, b FROM t ORDER BY a"), expected);
    assert_eq!(two.psql("SELECT to_regclass('t') IS NULL"), "t\n");
    let failed = two.try_psql("SELECT 1; SELECT * FROM t; SELECT 2");
    assert_eq!((failed.code, &*failed.stdout), (Some(3), "1\n"));
    assert!(failed.stderr.contains("relation \"t\" does not exist"), "{}", failed.stderr);
    let (cluster, name) = (one.cluster(), one.name().to_owned());
    drop(one);
    drop(two);
    assert_eq!(cluster.psql("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{name}'")), "");
}

#[test]
fn a_server_of_ones_own_goes_with_its_directory() {
    let cluster = Cluster::own();
    let directory = cluster.socket().to_owned();
    assert_eq!(cluster.psql("postgres", "SHOW fsync"), "on\n");
    let pid = std::fs::read_to_string(directory.join("pid")).unwrap();
    drop(cluster);
    assert!(!directory.exists());
    assert!(!Path::new("/proc").join(pid.trim()).exists());
}
