//! Whole tables, as files and as literals.

use syncline_core::change::Reason;
use syncline_core::value::Value;

use super::{Desk, batch, checkpoint, int, load, server, text};

const TABLE: &str =
    "CREATE TABLE t (id bigint PRIMARY KEY, name varchar(10) CHARACTER SET latin1, n tinyint, b longblob)";

fn row(id: i64, name: &str, n: i64) -> Vec<Value> {
    vec![int(id), text(name), int(n), Value::Bytes(vec![0, 255, id as u8])]
}

/// Whatever way they go, the same rows are taken, and the same refused.
async fn loads_and_refuses(desk: &Desk<'_>) {
    let task = desk.task("t").await;
    let mut rows: Vec<_> = (0..50).map(|id| row(id, "a\\b\t'\n", 1)).collect();
    // What only the server knows, a character that latin1 has not; and what the schema tells, a number that tinyint has not.
    rows[7] = row(7, "\u{1f600}", 1);
    rows[31] = row(31, "x", 300);
    let refused = load(desk, &task, &rows).await;
    assert_eq!(refused.iter().map(|refusal| refusal.reason).collect::<Vec<_>>(), [Reason::Type; 2], "{refused:?}");
    for words in ["name", "column n: the number is not between -128 and 127"] {
        assert!(refused.iter().any(|refusal| refusal.words.contains(words)), "{words}: {refused:?}");
    }
    assert_eq!(desk.shown("SELECT COUNT(*), COUNT(DISTINCT name), MIN(HEX(b)) FROM t"), "48\t1\t00FF00");
    assert_eq!(desk.shown("SELECT HEX(name) FROM t WHERE id = 1"), "615C6209270A");
}

#[tokio::test]
async fn rows_go_as_a_file_where_the_server_takes_one() {
    loads_and_refuses(&Desk::new(TABLE).await).await;
}

#[tokio::test]
async fn rows_go_as_literals_where_it_takes_none() {
    let server = server(&[("local_infile", "0")]);
    loads_and_refuses(&Desk::on(server.fresh_database(), TABLE).await).await;
}

#[tokio::test]
async fn a_statement_is_no_larger_than_the_server_takes() {
    let server = server(&[("local_infile", "0"), ("max_allowed_packet", "1M")]);
    let desk = Desk::on(server.fresh_database(), TABLE).await;
    let task = desk.task("t").await;
    let large = |id, bytes| vec![int(id), text("x"), int(1), Value::Bytes(vec![7; bytes])];
    let rows: Vec<_> = (0..20).map(|id| large(id, if id == 5 { 900_000 } else { 200_000 })).collect();
    let refused = load(&desk, &task, &rows).await;
    assert_eq!(refused.len(), 1, "{}", refused.len());
    assert!(refused[0].words.contains("max_allowed_packet"), "{}", refused[0].words);
    assert_eq!(desk.shown("SELECT COUNT(*), SUM(LENGTH(b)) FROM t"), "19\t3800000");
}

#[tokio::test]
async fn as_a_file_a_row_may_be_larger_than_a_statement() {
    let server = server(&[("max_allowed_packet", "1M")]);
    let desk = Desk::on(server.fresh_database(), TABLE).await;
    let task = desk.task("t").await;
    let large = |id, bytes| vec![int(id), text("x"), int(1), Value::Bytes(vec![id as u8; bytes])];
    let rows = [large(1, 400_000), large(2, 900_000)];
    assert!(load(&desk, &task, &rows).await.is_empty());
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let seen = transaction.rows(&task, &batch(1, &[vec![int(1)], vec![int(2)]])).await.unwrap();
    let seen: Vec<Vec<Value>> = seen.rows.rows().map(|row| row.iter().map(|cell| cell.to_owned()).collect()).collect();
    assert!(seen == rows, "they come back as they were");
}

#[tokio::test]
async fn what_the_server_would_bend_without_a_word_is_refused() {
    let desk =
        Desk::new("CREATE TABLE t (id int PRIMARY KEY, y year, s set('a','b'), bits bit(4), u int unsigned)").await;
    let task = desk.task("t").await;
    let other = |type_name: &str, text: &str| Value::Other { type_name: type_name.to_owned(), text: text.to_owned() };
    let row = |id, year, set: &str, bits: &str, u| {
        vec![int(id), int(year), other("set('a','b')", set), other("bit(4)", bits), int(u)]
    };
    let rows = [
        row(1, 1999, "a,b", "0101", 4_294_967_295),
        row(2, 5, "a", "0000", 0),
        row(3, 2000, "b,a", "0000", 0),
        row(4, 2000, "3", "0000", 0),
        row(5, 2000, "c", "0000", 0),
        row(6, 2000, "", "1111", -1),
        row(7, 2155, "", "1111", 0),
    ];
    let refused = load(&desk, &task, &rows).await;
    let reasons: Vec<_> = refused.iter().map(|refusal| refusal.reason).collect();
    assert_eq!(reasons, [Reason::Type; 5], "{refused:?}");
    let kept = desk.shown("SELECT id, y, s, BIN(bits), u FROM t ORDER BY id");
    assert_eq!(kept, "1\t1999\ta,b\t101\t4294967295\n7\t2155\t\t1111\t0");
}

#[tokio::test]
async fn a_key_that_only_the_server_takes_for_another_is_refused() {
    let desk = Desk::new("CREATE TABLE t (k varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n int)").await;
    let task = desk.task("t").await;
    let rows = [vec![text("Anna"), int(1)], vec![text("ANNA"), int(2)], vec![text("Bert"), int(3)]];
    let refused = load(&desk, &task, &rows).await;
    assert_eq!(refused.iter().map(|refusal| refusal.reason).collect::<Vec<_>>(), [Reason::Unique], "{refused:?}");
    assert_eq!(desk.shown("SELECT k, n FROM t ORDER BY n"), "Anna\t1\nBert\t3");
}

/// From the moment it is filled nobody else adds to it, and who would waits.
#[tokio::test]
async fn a_table_that_is_filled_is_nobody_elses() {
    let desk = Desk::new("CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, n int)").await;
    let task = desk.task("t").await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(2, &[vec![int(5), int(0)]])).await.unwrap();
    let theirs = desk.database.try_mariadb("SET innodb_lock_wait_timeout = 1; INSERT INTO t (id) VALUES (1)");
    assert!(theirs.stderr.contains("1205"), "{theirs:?}");
    transaction.commit(&checkpoint(1)).await.unwrap();
    desk.database.mariadb("INSERT INTO t (n) VALUES (1)");
    assert_eq!(desk.shown("SELECT id FROM t"), "5\n6");
}

#[tokio::test]
async fn a_table_without_transactions_is_left_alone() {
    let desk = Desk::new("CREATE TABLE t (id int PRIMARY KEY) ENGINE = MyISAM").await;
    let task = desk.task("t").await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let error = transaction.load(&task, batch(1, &[vec![int(1)]])).await.unwrap_err();
    assert_eq!(error.code(), syncline_core::error::Code::TableNoTransactions);
    assert!(error.why().unwrap().contains("MyISAM"), "{error:?}");
    drop(transaction);
    assert_eq!(desk.shown("SELECT COUNT(*) FROM t"), "0");
}
