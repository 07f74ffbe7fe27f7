//! Programs in another language, by its own drivers: nothing of ours is in them, and what they write comes all the same.

use std::process::Command;

use super::Sites;

/// What each driver is asked to do beside plain statements: many rows at once, upserts, a rollback to a savepoint, an error that
/// is passed over, and loads by what the engine has for them.
const SQLITE: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executemany('INSERT INTO tag VALUES (?, ?, ?)', [('py%d' % n, 'k', None) for n in range(500)])
db.commit()
db.execute('INSERT INTO account VALUES (1, ?, 7) ON CONFLICT (id) DO UPDATE SET total = total + excluded.total', ('x',))
db.execute('REPLACE INTO account VALUES (70, ?, 7)', ('account 70',))
db.execute('SAVEPOINT s'); db.execute('DELETE FROM entry'); db.execute('ROLLBACK TO s')
try:
    db.execute('INSERT INTO account VALUES (71, ?, 7)', ('account 2',))
except sqlite3.IntegrityError:
    pass
db.execute('DELETE FROM entry WHERE id < 5')
db.commit()
";
const POSTGRES: &str = "
import io, sys, psycopg2
from psycopg2.extras import execute_values
db = psycopg2.connect(sys.argv[1]); c = db.cursor()
execute_values(c, 'INSERT INTO tag VALUES %s', [('py%d' % n, 'k', None) for n in range(500)])
c.copy_expert('COPY tag FROM STDIN', io.StringIO(''.join('copied %d\\tk\\t\\\\N\\n' % n for n in range(500))))
db.commit()
c.execute('INSERT INTO account VALUES (1, %s, 7) ON CONFLICT (id) DO UPDATE SET total = account.total + excluded.total', ('x',))
c.execute('SAVEPOINT s'); c.execute('DELETE FROM entry'); c.execute('ROLLBACK TO s')
c.execute('SAVEPOINT t')
try:
    c.execute('INSERT INTO account VALUES (71, %s, 7)', ('account 2',))
except psycopg2.IntegrityError:
    c.execute('ROLLBACK TO t')
c.execute('DELETE FROM entry WHERE id < 5')
db.commit()
";
const MARIADB: &str = "
import os, sys, tempfile, urllib.parse, pymysql
at = urllib.parse.urlparse(sys.argv[1])
db = pymysql.connect(host=at.hostname, port=at.port, user=urllib.parse.unquote(at.username), password=urllib.parse.unquote(at.password or ''),
                     database=at.path[1:], local_infile=True)
c = db.cursor()
c.executemany('INSERT INTO tag VALUES (%s, %s, %s)', [('py%d' % n, 'k', None) for n in range(500)])
with tempfile.NamedTemporaryFile('w') as rows:
    rows.write(''.join('loaded %d\\tk\\t\\\\N\\n' % n for n in range(500))); rows.flush()
    c.execute('LOAD DATA LOCAL INFILE %s INTO TABLE tag', (rows.name,))
db.commit()
c.execute('INSERT INTO account VALUES (1, %s, 7) ON DUPLICATE KEY UPDATE total = total + VALUES (total)', ('x',))
c.execute('REPLACE INTO account VALUES (70, %s, 7)', ('account 70',))
c.execute('SAVEPOINT s'); c.execute('DELETE FROM entry'); c.execute('ROLLBACK TO s')
try:
    c.execute('INSERT INTO account VALUES (71, %s, 7)', ('account 2',))
except pymysql.err.IntegrityError:
    pass
c.execute('DELETE e, f FROM entry AS e JOIN entry AS f ON f.id = e.id + 10 WHERE e.id < 5')
db.commit()
";

#[test]
fn what_programs_in_python_write_is_carried() {
    let sites = Sites::new();
    let file = sites.scene.path("a.db").to_str().unwrap().to_owned();
    let of_postgres = sites.postgres.url();
    let pairs = [
        ("a.db", "env:MY2", SQLITE, file),
        ("env:PG", "b.db", POSTGRES, of_postgres),
        ("env:MY", "env:PG2", MARIADB, sites.maria.url()),
    ];
    for (source, target, program, name) in pairs {
        let run = format!("mirror {source} {target} --strategy incremental");
        sites.write(source, super::TABLES);
        sites.write(source, &super::rows());
        sites.scene.ok(&format!("track {source}"));
        sites.scene.ok(&run);
        let done = Command::new("/usr/bin/python3").args(["-c", program, &name]).output().unwrap();
        assert!(done.status.success(), "{source}: {}", String::from_utf8_lossy(&done.stderr));
        let shown = sites.scene.ok(&run);
        assert!(!shown.contains("compare:") && shown.contains("incremental:"), "{source}: {shown}");
        sites.scene.ok(&format!("diff {source} {target} --exit-code"));
        assert!(sites.column(target, "SELECT COUNT(*) FROM tag WHERE code LIKE 'py%'").contains(&"500".to_owned()));
    }
}
