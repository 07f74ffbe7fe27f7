//! Rows at fault are found among many, whichever way they come.

use syncline_core::change::{Reason, TableTask};
use syncline_core::value::{Equality, Forms, Kind, Value};

use super::{Desk, INT, TEXT, inserts, load, task, updates, write};

const TABLE: &str = "CREATE DOMAIN small AS int8 CHECK (VALUE < 1000000); \
    CREATE TABLE t (id int8 PRIMARY KEY, n small UNIQUE CHECK (n > 0), net inet, label varchar(3))";

fn columns() -> [(&'static str, Kind); 4] {
    let inet = Kind::Other { type_name: "inet".to_owned() };
    [("id", INT), ("n", INT), ("net", inet), ("label", Kind::Text { max_chars: Some(3), padded: false })]
}

/// A thousand rows of which each of these breaks another rule.
fn rows() -> (Vec<Vec<Value>>, Vec<(i64, Reason)>) {
    let mut rows: Vec<Vec<Value>> =
        (0..1_000).map(|id| vec![Value::Int(id), Value::Int(id + 1), Value::text("::1"), Value::text("abc")]).collect();
    rows[17][1] = Value::Int(0);
    rows[400][1] = Value::Int(400);
    rows[511][2] = Value::text("no address");
    rows[512][3] = Value::text("abcd");
    rows[999][1] = Value::Int(1_000_000);
    let bad =
        [(17, Reason::Check), (400, Reason::Unique), (511, Reason::Type), (512, Reason::Type), (999, Reason::Check)];
    (rows, bad.to_vec())
}

fn named(refused: &[syncline_core::change::Refusal]) -> Vec<(i64, Reason)> {
    let id = |key: &[u8]| match syncline_core::value::exact::decode_row(key).unwrap()[..] {
        [syncline_core::value::ValueRef::Int(id)] => id,
        _ => panic!("a key is a number"),
    };
    assert!(refused.iter().all(|refusal| !refusal.words.is_empty()), "in the database's words");
    refused.iter().map(|refusal| (id(&refusal.key), refusal.reason)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_leaves_out_those_at_fault_and_no_other() {
    let desk = Desk::new(TABLE).await;
    let (rows, bad) = rows();
    assert_eq!(named(&load(&desk, &task("t", &columns()), &rows).await), bad);
    assert_eq!(desk.shown("SELECT count(*), sum(id) FROM t"), format!("995|{}", 499_500 - 17 - 400 - 511 - 512 - 999));
    // Straight into the table, too.
    let desk = Desk::new(TABLE).await;
    let plain = task("t", &columns()[..2]);
    let rows: Vec<_> = rows.iter().map(|row| row[..2].to_vec()).collect();
    let bad: Vec<_> = bad.into_iter().filter(|(_, reason)| *reason != Reason::Type).collect();
    assert_eq!(named(&load(&desk, &plain, &rows).await), bad);
    assert_eq!(desk.shown("SELECT count(*) FROM t"), "997");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_leaves_out_those_at_fault_and_no_other() {
    let desk = Desk::new(TABLE).await;
    let (rows, bad) = rows();
    let task = task("t", &columns());
    let applied = write(&desk, &task, inserts(&rows)).await;
    assert_eq!((named(&applied.refused), applied.inserted, applied.images.len()), (bad.clone(), 995, 995));
    let there: Vec<Vec<Value>> = desk
        .database
        .rows("SELECT id, n FROM t ORDER BY id")
        .iter()
        .map(|row| row.iter().map(|cell| Value::Int(cell.as_ref().unwrap().parse().unwrap())).collect())
        .collect();
    let short = super::task("t", &columns()[..2]);
    let mut new = there.clone();
    new.iter_mut().for_each(|row| {
        row[1] = Value::Int(match row[1] {
            Value::Int(n) => n + 10_000,
            _ => unreachable!(),
        })
    });
    new[3][1] = Value::Int(-1);
    new[700][1] = there[700][1].clone();
    new[701][1] = Value::Int(2_000_000);
    let applied = write(&desk, &short, updates(&there, &new)).await;
    // One is as it was already: passed over.
    assert_eq!((applied.updated, applied.refused.len(), applied.moved.len()), (992, 2, 0));
    assert!(applied.refused.iter().all(|refusal| refusal.found.is_some() && refusal.reason == Reason::Check));
    assert_eq!(desk.shown("SELECT count(*) FROM t WHERE n < 10000"), "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_type_would_write_otherwise_is_refused() {
    let desk =
        Desk::new("CREATE TABLE t (id int8 PRIMARY KEY, b bit(3), i interval(0), c \"char\", v varbit(2))").await;
    let other = |type_name: &str| Kind::Other { type_name: type_name.to_owned() };
    let columns = [
        ("id", INT),
        ("b", other("bit(3)")),
        ("i", other("interval(0)")),
        ("c", other("\"char\"")),
        ("v", other("bit varying(2)")),
    ];
    let row = |id, cells: [&str; 4]| std::iter::once(Value::Int(id)).chain(cells.map(Value::text)).collect::<Vec<_>>();
    let rows = [
        row(1, ["101", "00:00:01", "x", "1"]),
        row(2, ["10101", "00:00:01", "x", "1"]),
        row(3, ["101", "00:00:01.5", "x", "1"]),
        row(4, ["101", "00:00:01", "xy", "1"]),
        row(5, ["101", "00:00:01", "x", "111"]),
        // Written in another notation, and one that is none beside them.
        row(6, ["101", "1 second", "x", "1"]),
        row(7, ["101", "soon", "x", "1"]),
    ];
    let refused = load(&desk, &task("t", &columns), &rows).await;
    assert_eq!(named(&refused), (2..8).map(|id| (id, Reason::Type)).collect::<Vec<_>>());
    assert_eq!(desk.shown("SELECT * FROM t"), "1|101|00:00:01|x|1");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_only_the_engine_takes_for_the_same_are_in_each_others_way() {
    let desk = Desk::new(
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
         CREATE EXTENSION citext; CREATE TABLE t (id text COLLATE any_case PRIMARY KEY, n int8); \
         CREATE TABLE u (id citext PRIMARY KEY, n int8); CREATE TABLE v (id interval PRIMARY KEY, n int8); \
         INSERT INTO t VALUES ('Ab', 1); INSERT INTO u VALUES ('Ab', 1); INSERT INTO v VALUES ('1 day', 1)",
    )
    .await;
    let interval = Kind::Other { type_name: "interval".to_owned() };
    for (table, kind, [there, other]) in
        [("t", TEXT, ["Ab", "aB"]), ("u", TEXT, ["Ab", "aB"]), ("v", interval, ["1 day", "24:00:00"])]
    {
        let task = task(table, &[("id", kind.clone()), ("n", INT)]);
        let row = |id: &str, n| match &kind {
            Kind::Other { type_name } => {
                vec![Value::Other { type_name: type_name.clone(), text: id.to_owned() }, Value::Int(n)]
            }
            _ => vec![Value::text(id), Value::Int(n)],
        };
        for _ in 0..2 {
            let applied = write(&desk, &task, inserts(&[row(other, 2)])).await;
            assert_eq!(applied.refused.iter().map(|it| it.reason).collect::<Vec<_>>(), [Reason::Unique], "{table}");
            assert!(applied.moved.is_empty(), "nobody has changed anything");
        }
        let refused = load(&desk, &task, &[row(other, 2)]).await;
        assert_eq!(refused[0].reason, Reason::Unique, "{table}");
        assert_eq!(write(&desk, &task, super::deletes(&[row(other, 1)])).await.deleted, 0, "{table}");
        let applied = write(&desk, &task, updates(&[row(there, 1)], &[row(there, 3)])).await;
        assert_eq!((applied.updated, applied.moved.len()), (1, 0), "{table}");
        assert_eq!(desk.shown(&format!("SELECT * FROM {table}")), format!("{there}|3"));
        // Once that one is gone, the other can come.
        assert_eq!(write(&desk, &task, super::deletes(&[row(there, 3)])).await.deleted, 1, "{table}");
        assert_eq!(write(&desk, &task, inserts(&[row(other, 2)])).await.inserted, 1, "{table}");
    }
}

/// It would have another key as soon as it is there, and be missing again in the next comparison.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_key_would_be_written_otherwise_is_refused() {
    let capitals = Value::text("AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE");
    let rows = [vec![capitals, Value::Int(1)], vec![Value::Uuid([7; 16]), Value::Int(2)]];
    let in_place = async |is_load: bool| {
        let desk = Desk::new("CREATE TABLE t (k uuid PRIMARY KEY, n int8)").await;
        let native = super::task("t", &[("k", Kind::Uuid), ("n", INT)]);
        let forms = Forms { kinds: vec![Some(Kind::Uuid)], equality: Equality::Canonical };
        let task = TableTask { forms, ..native };
        let refused = match is_load {
            true => load(&desk, &task, &rows).await,
            false => write(&desk, &task, inserts(&rows)).await.refused,
        };
        assert_eq!(refused.iter().map(|it| it.reason).collect::<Vec<_>>(), [Reason::Type]);
        assert!(refused[0].words.contains("another key"), "{}", refused[0].words);
        assert_eq!(desk.shown("SELECT n FROM t"), "2");
    };
    in_place(true).await;
    in_place(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_that_others_have_the_unique_values_of_are_set_aside_and_the_others_written() {
    let desk = Desk::new(
        "CREATE TABLE u (id int8 PRIMARY KEY, n int8 UNIQUE CHECK (n < 900), label text); \
         CREATE UNIQUE INDEX ON u (lower(label)) WHERE id > 150; \
         INSERT INTO u SELECT id, id, 'L' || id FROM generate_series(0, 199) AS id",
    )
    .await;
    let task = task("u", &[("id", INT), ("n", INT), ("label", TEXT)]);
    let row = |id: i64, n: i64, label: i64| vec![Value::Int(id), Value::Int(n), Value::text(format!("L{label}"))];
    let old: Vec<_> = (0..200).map(|id| row(id, id, id)).collect();
    // Fifty move up by one, a row takes the label of another in other letters, one breaks a rule, all others are free.
    let new = (0..200).map(|id| match id {
        0..50 => row(id, id + 1, id),
        99 => row(id, 900, id),
        170 => vec![Value::Int(id), Value::Int(id), Value::text("l171")],
        _ => row(id, id + 300, id),
    });
    let new: Vec<_> = new.collect();
    let applied = write(&desk, &task, updates(&old, &new)).await;
    let clashes = (0..50).map(|id| (id, Reason::Unique));
    let bad: Vec<_> = clashes.chain([(99, Reason::Check), (170, Reason::Unique)]).collect();
    assert_eq!(named(&applied.refused), bad);
    assert_eq!((applied.updated, applied.images.len()), (148, 148));
    assert_eq!(desk.shown("SELECT count(*) FROM u WHERE n = id + 300"), "148");
    assert_eq!(desk.shown("SELECT count(*) FROM u WHERE n = id"), "52");
}
