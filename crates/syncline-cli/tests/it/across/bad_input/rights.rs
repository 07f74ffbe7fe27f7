//! Users who may not do everything.

use syncline_testkit::postgres::Database;

use super::{Server, fails, rows};
use crate::scene::Scene;

/// A role that may log in and is given these rights: `{role}` in the statements is its name.
fn role(database: &Database<'_>, statements: &str) -> String {
    let role = format!("{}_user", database.name());
    database.psql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'p'"));
    database.psql(&statements.replace("{role}", &role));
    role
}

/// A role of a database, and a scene whose binary is that role in `env:PG`. Roles belong to the whole server, so they go
/// with this.
pub(super) struct Limited {
    pub(super) server: Server,
    pub(super) role: String,
}

impl Limited {
    pub(super) fn new(statements: &str) -> Self {
        let mut server = Server::new();
        let role = role(&server.database, statements);
        server.scene = Scene::new().with_variable("PG", &server.database.url_as(&role, "p"));
        Self { server, role }
    }

    pub(super) fn psql(&self, statements: &str) {
        self.server.database.psql(&statements.replace("{role}", &self.role));
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let role = &self.role;
        let _ = self
            .server
            .database
            .try_psql(&format!("REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}"));
    }
}

const TWO: &str =
    "CREATE TABLE one (id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE two (id INTEGER PRIMARY KEY, v TEXT);
    INSERT INTO one VALUES (1, 'a'), (2, 'b'); INSERT INTO two VALUES (1, 'c');";

#[test]
fn a_table_that_may_not_be_read_fails_alone() {
    let limited = Limited::new(&format!("{TWO} GRANT SELECT ON one TO {{role}}"));
    let scene = &limited.server.scene;
    for line in ["copy env:PG b.db", "mirror env:PG b.db"] {
        let error = fails(scene, line, 3, "TABLE_DENIED");
        assert!(error["why"].to_string().contains("permission denied for table two"), "{error}");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM one"), 2);
    }
    // What cannot be compared is no equality.
    scene.sql("c.db", TWO);
    for line in ["diff env:PG c.db --exit-code", "verify env:PG c.db"] {
        let said = scene.run(&format!("{line} --json"));
        assert_eq!(said.code, Some(10), "{line}: {}{}", said.out, said.err);
        let tables = said.last()["tables"].clone();
        let two = tables.as_array().unwrap().iter().find(|table| table["table"] == "two").unwrap();
        assert!(two["note"].to_string().contains("permission denied for table two"), "{tables}");
    }
}

/// Found from outside: a run that could do nothing at all was called partial.
#[test]
fn a_run_that_may_do_nothing_with_any_table_lacks_permission() {
    let limited = Limited::new(&format!("{TWO} GRANT CREATE ON SCHEMA public TO {{role}}"));
    let (server, scene) = (&limited.server, &limited.server.scene);
    scene.sql("a.db", TWO);
    for (line, side) in
        [("copy env:PG b.db", "source"), ("copy a.db env:PG", "target"), ("mirror a.db env:PG", "target")]
    {
        let error = fails(scene, line, 4, "PERMISSION_DENIED");
        assert!(error["why"].to_string().contains("permission denied for table one"), "{error}");
        let script = format!("doctor env:PG --grants --as {side} --role {}", limited.role);
        assert!(error["next"][0]["action"].to_string().contains(&script), "{error}");
        assert!(!scene.path("b.db").exists());
        if line.starts_with("mirror") {
            server.database.psql(&scene.ok(&script));
            scene.ok(line);
        }
    }
    assert_eq!(server.by_psql("SELECT count(*) FROM one"), ["2"]);
}

#[test]
fn a_table_that_may_not_be_written_fails_alone() {
    let cases = [
        ("GRANT SELECT ON two TO {role}", ""),
        ("GRANT SELECT, INSERT ON two TO {role}", "INSERT INTO two VALUES (1, 'old');"),
        ("GRANT SELECT, UPDATE, DELETE ON two TO {role}", "INSERT INTO two VALUES (7, 'old');"),
        ("GRANT INSERT, UPDATE, DELETE ON two TO {role}", ""),
    ];
    for (grant, there) in cases {
        let made = TWO.replace("INSERT INTO one VALUES (1, 'a'), (2, 'b'); INSERT INTO two VALUES (1, 'c');", there);
        let grants = "GRANT SELECT, INSERT, UPDATE, DELETE ON one TO {role}; GRANT CREATE ON SCHEMA public TO {role};";
        let limited = Limited::new(&format!("{made} {grants} {grant}"));
        let (server, scene) = (&limited.server, &limited.server.scene);
        scene.sql("a.db", TWO);
        let before = server.by_psql("SELECT * FROM two ORDER BY 1");
        for line in ["copy a.db env:PG", "mirror a.db env:PG --max-delete 9"] {
            fails(scene, line, 3, "TABLE_DENIED");
            assert_eq!(server.by_psql("SELECT * FROM one ORDER BY 1"), ["1|a", "2|b"], "{grant}");
            assert_eq!(server.by_psql("SELECT * FROM two ORDER BY 1"), before, "{grant}");
        }
        limited.psql("GRANT SELECT, INSERT, UPDATE, DELETE ON two TO {role}");
        scene.ok("mirror a.db env:PG --max-delete 9");
        assert_eq!(
            server.by_psql("SELECT relname FROM pg_class WHERE relname LIKE '%syncline%'"),
            Vec::<String>::new()
        );
    }
}

#[test]
fn who_may_create_nothing_is_told_what_is_needed() {
    let limited = Limited::new(&format!("{TWO} GRANT SELECT, INSERT, UPDATE, DELETE ON one, two TO {{role}}"));
    let scene = &limited.server.scene;
    scene.sql("a.db", &TWO.replace("'a'", "'changed'"));
    let error = fails(scene, "mirror a.db env:PG", 4, "PERMISSION_DENIED");
    assert!(error.to_string().contains("CREATE"), "{error}");
    assert_eq!(limited.server.by_psql("SELECT v FROM one ORDER BY id"), ["a", "b"]);
    // A table that is to be made and cannot be.
    scene.sql("new.db", &rows(2, "x"));
    let said = scene.run("copy new.db env:PG --json");
    assert!(matches!(said.code, Some(3 | 4)), "{}{}", said.out, said.err);
}

pub(super) const APPLICATION: &str = "
    CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT);
    CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id), v TEXT);";

/// Copy, mirror and undo by a role that is no superuser, on tables with a trigger where it may be switched off.
pub(super) fn works(limited: &Limited, trigger: bool) {
    let (server, scene) = (&limited.server, &limited.server.scene);
    let values = "INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO c VALUES (1, 1, 'x'), (2, 2, 'y'), (3, NULL, 'z');";
    scene.sql("a.db", &format!("{APPLICATION} {values}"));
    scene.ok("copy a.db env:PG");
    let all = || (server.by_psql("SELECT * FROM p ORDER BY 1"), server.by_psql("SELECT * FROM c ORDER BY 1"));
    let before = all();
    assert_eq!(before.1, ["1|1|x", "2|2|y", "3|NULL|z"]);
    scene.sql(
        "a.db",
        "INSERT INTO p VALUES (4, 'd'); INSERT INTO c VALUES (4, 4, 'new'); UPDATE c SET p = 3, v = 'yy' WHERE id = 2;
         DELETE FROM p WHERE id = 2; UPDATE p SET v = 'cc' WHERE id = 3; DELETE FROM c WHERE id = 3;",
    );
    let said = scene.run("mirror a.db env:PG --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert_eq!(all().1, ["1|1|x", "2|3|yy", "4|4|new"]);
    scene.ok("undo --yes");
    assert_eq!(all(), before);
    scene.ok("mirror a.db env:PG --strategy full");
    scene.ok("verify a.db env:PG");
    if trigger {
        assert_eq!(server.by_psql("SELECT count(*) FROM log"), ["0"], "a trigger of the application has fired");
        assert_eq!(server.by_psql("SELECT tgenabled FROM pg_trigger WHERE tgname = 'told'"), ["O"]);
        assert_eq!(server.by_psql("SELECT ev_enabled FROM pg_rewrite WHERE rulename IN ('away', 'kept')"), ["O", "O"]);
    }
    assert_eq!(server.by_psql("SELECT relname FROM pg_class WHERE relname LIKE '%syncline%'"), Vec::<String>::new());
}

pub(super) const TRIGGER: &str = "CREATE TABLE log (id int);
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); RETURN NULL; END $$;
    CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON c FOR EACH ROW EXECUTE FUNCTION tell();
    CREATE RULE away AS ON INSERT TO c DO INSTEAD INSERT INTO log VALUES (2);
    CREATE RULE kept AS ON DELETE TO c DO INSTEAD NOTHING;";

#[test]
fn an_owner_copies_mirrors_and_undoes_without_a_trigger_firing() {
    let owned =
        "ALTER TABLE p OWNER TO {role}; ALTER TABLE c OWNER TO {role}; GRANT CREATE ON SCHEMA public TO {role};";
    works(&Limited::new(&format!("{APPLICATION} {TRIGGER} {owned}")), true);
}

#[test]
fn an_owner_of_the_schema_makes_the_tables() {
    works(&Limited::new("GRANT CREATE ON SCHEMA public TO {role}"), false);
}

#[test]
fn the_documented_rights_are_enough() {
    let rights = "GRANT SELECT, INSERT, UPDATE, DELETE ON p, c TO {role}; GRANT CREATE ON SCHEMA public TO {role};";
    works(&Limited::new(&format!("{APPLICATION} {rights}")), false);
}

#[test]
fn who_may_set_the_role_of_replication_needs_own_nothing() {
    let rights = "GRANT SELECT, INSERT, UPDATE, DELETE ON p, c TO {role}; GRANT CREATE ON SCHEMA public TO {role};
        GRANT SET ON PARAMETER session_replication_role TO {role};";
    let limited = Limited::new(&format!("{APPLICATION} {TRIGGER}"));
    let version = limited.server.by_psql("SHOW server_version_num")[0].parse::<u32>().unwrap();
    if version < 150_000 {
        return;
    }
    limited.psql(rights);
    works(&limited, true);
}

#[test]
fn a_trigger_that_cannot_be_switched_off_stops_its_table() {
    let rights = "GRANT SELECT, INSERT, UPDATE, DELETE ON p, c TO {role}; GRANT CREATE ON SCHEMA public TO {role};";
    let limited = Limited::new(&format!("{APPLICATION} {TRIGGER} {rights}"));
    let (server, scene) = (&limited.server, &limited.server.scene);
    scene.sql("a.db", &format!("{APPLICATION} INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 1, 'x')"));
    let error = fails(scene, "copy a.db env:PG", 3, "TABLE_DENIED");
    assert!(error.to_string().contains("session_replication_role"), "{error}");
    assert_eq!(server.by_psql("SELECT * FROM p"), ["1|a"]);
    assert_eq!(server.by_psql("SELECT count(*) FROM c"), ["0"]);
}

/// Without the server's word that a session replicates, a rule would put rows where nobody looks for them.
#[test]
fn a_rule_that_cannot_be_switched_off_stops_its_table() {
    let rights = "GRANT SELECT, INSERT, UPDATE, DELETE ON p, c TO {role}; GRANT CREATE ON SCHEMA public TO {role};";
    let rule = "CREATE RULE away AS ON INSERT TO c DO INSTEAD NOTHING;";
    let limited = Limited::new(&format!("{APPLICATION} {rule} {rights}"));
    let (server, scene) = (&limited.server, &limited.server.scene);
    scene.sql("a.db", &format!("{APPLICATION} INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 1, 'x')"));
    let error = fails(scene, "copy a.db env:PG", 3, "TABLE_DENIED");
    assert!(error.to_string().contains("rule away"), "{error}");
    assert_eq!(server.by_psql("SELECT * FROM p"), ["1|a"]);
    assert_eq!(server.by_psql("SELECT count(*) FROM c"), ["0"]);
}

#[test]
fn rows_that_a_policy_hides_are_not_missing() {
    let policy = "ALTER TABLE one ENABLE ROW LEVEL SECURITY; CREATE POLICY first ON one USING (id = 1);";
    let limited = Limited::new(&format!("{TWO} {policy} GRANT SELECT ON one, two TO {{role}};"));
    fails(&limited.server.scene, "copy env:PG b.db", 3, "TABLE_DENIED");
    assert_eq!(limited.server.scene.number("b.db", "SELECT count(*) FROM two"), 1);
}

#[test]
fn a_target_that_may_only_be_read_is_told_as_that() {
    let limited = Limited::new(&format!("{TWO} GRANT SELECT, INSERT, UPDATE, DELETE ON one, two TO {{role}}"));
    limited.psql("ALTER ROLE {role} SET default_transaction_read_only = on");
    let scene = &limited.server.scene;
    scene.sql("a.db", TWO);
    let error = fails(scene, "mirror a.db env:PG", 4, "STORE_READ_ONLY");
    assert!(!error["next"].to_string().contains("file"), "{error}");
    scene.ok("diff a.db env:PG --exit-code");
    scene.ok("mirror env:PG a.db");
}

#[test]
fn limits_of_a_role_cut_no_run_short() {
    let limited = Limited::new("GRANT CREATE ON SCHEMA public TO {role}");
    let is_new = limited.server.by_psql("SELECT current_setting('server_version_num')::int >= 140000")[0] == "t";
    let limits = ["statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout", "idle_session_timeout"];
    for limit in limits.iter().take(if is_new { 4 } else { 3 }) {
        limited.psql(&format!("ALTER ROLE {{role}} SET {limit} = '200ms'"));
    }
    let scene = &limited.server.scene;
    scene.sql("a.db", &rows(20_000, "some text"));
    scene.ok("copy a.db env:PG --rate 20000");
    scene.ok("mirror env:PG b.db");
    scene.ok("verify env:PG b.db");
}
