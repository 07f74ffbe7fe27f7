//! A run that adds columns and is killed on the way: before the columns are there, and between them and the rows.

use syncline::event::Point;
use syncline_testkit::process;

use crate::prove::victim::{self, Place, Work};
use crate::scene::Scene;

const A: &str = "CREATE TABLE s (id INTEGER PRIMARY KEY, m INT DEFAULT 3); INSERT INTO s VALUES (1, 4);
    CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y');";
const B: &str = "CREATE TABLE s (id INTEGER PRIMARY KEY); INSERT INTO s VALUES (1);
    CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);";
const WIDE: &str = "SELECT count(*) FROM pragma_table_info('t') WHERE name = 'n'";

fn killed(scene: &Scene, point: Point, nth: usize) {
    let work = Work::Widen(&scene.path("a.db"), &scene.path("b.db"));
    let victim = victim::start(&scene.path(""), &scene.path("state"), Some(Place { point, nth }), work);
    assert_eq!(victim.finish(process::DEADLINE).code, None, "it was to be killed");
}

fn goes_on(scene: &Scene) {
    let said = scene.run("copy a.db b.db --schema add --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert_eq!(scene.rows("b.db", "SELECT * FROM t"), ["1|x", "2|y"]);
    assert_eq!(scene.rows("b.db", "SELECT * FROM s"), ["1|4"]);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE name LIKE '_syncline%'"), 0);
}

#[test]
fn before_the_columns_are_there() {
    for point in [Point::Decided, Point::EvidenceKept] {
        let scene = Scene::with_pair(A, B);
        killed(&scene, point, 1);
        assert_eq!(scene.number("b.db", WIDE), 0, "{point:?}");
        goes_on(&scene);
    }
}

#[test]
fn between_the_columns_and_the_rows() {
    let scene = Scene::with_pair(A, B);
    killed(&scene, Point::Committed, 1);
    assert_eq!(scene.rows("b.db", "SELECT * FROM t"), ["1|NULL"]);
    assert_eq!(scene.rows("b.db", "SELECT * FROM s"), ["1|3"]);
    goes_on(&scene);
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT * FROM t"), ["1|NULL"]);
}

#[test]
fn between_two_tables_of_which_the_first_is_taken_back() {
    let scene = Scene::with_pair(A, B);
    killed(&scene, Point::Committed, 2);
    assert_eq!(scene.rows("b.db", "SELECT * FROM s"), ["1|4"]);
    let undone = scene.ok("undo --yes");
    assert!(undone.contains("note: columns that the run has added to tables stay\n"), "{undone}");
    assert_eq!(scene.rows("b.db", "SELECT * FROM s"), ["1|3"]);
    goes_on(&scene);
}
