//! Definitions behind a commit, and what is left of them wherever a run is cut off.

use syncline_core::error::Code;
use syncline_core::schema::{SchemaStep, TableSchema};
use syncline_core::store::Store as _;

use super::{Desk, batch, checkpoint, define, int, model, until};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, n int, KEY by_n (n), CHECK (n > 0))";

fn rows(count: i64) -> syncline_core::value::RowBatch {
    batch(2, &(1..=count).map(|id| vec![int(id), int(id)]).collect::<Vec<_>>())
}

/// A writer whose store is closed: what it leaves, the next one finds.
async fn next_checkpoints(desk: &Desk<'_>) -> usize {
    let store = super::MysqlStore::open(super::options(&desk.database), true).await.unwrap();
    let mut writer = store.writer().await.unwrap();
    writer.checkpoints().await.unwrap().len()
}

#[tokio::test]
async fn a_table_is_there_for_all_with_its_rows_and_not_before() {
    let (desk, step) = (Desk::new("").await, model(TABLE).await);
    let SchemaStep::CreateTable(table) = &step else { panic!("{step:?}") };
    let task = syncline_core::change::TableTask::whole(table.clone());
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    define(&mut *transaction, vec![step.clone()]).await.unwrap();
    transaction.load(&task, rows(30)).await.unwrap();
    let indexes = table.indexes.iter().cloned();
    let steps = indexes.map(|index| SchemaStep::CreateIndex { table: "t".to_owned(), index }).collect();
    define(&mut *transaction, steps).await.unwrap();
    assert_eq!(transaction.sequence("t").await.unwrap(), Some(30));
    transaction.restore_sequence("t", Some(99)).await.unwrap();
    assert_eq!(desk.tables(), "_syncline_new_1 _syncline_pending");
    transaction.commit(&checkpoint(1)).await.unwrap();
    assert_eq!(desk.tables(), "_syncline_checkpoint _syncline_pending t");
    writer.forget("run").await.unwrap();
    assert_eq!(desk.tables(), "t");
    // What it counts from stands in its definition too.
    let without = |table: &TableSchema| format!("{:#?}", TableSchema { definition: String::new(), ..table.clone() });
    assert_eq!(without(&*desk.table("t").await), without(table));
    desk.database.mariadb("INSERT INTO t (n) VALUES (1)");
    assert_eq!(desk.shown("SELECT COUNT(*), MAX(id) FROM t"), "31\t100");
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_no_table() {
    let (desk, step) = (Desk::new("").await, model(TABLE).await);
    let SchemaStep::CreateTable(table) = &step else { panic!("{step:?}") };
    let task = syncline_core::change::TableTask::whole(table.clone());
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    define(&mut *transaction, vec![step]).await.unwrap();
    transaction.load(&task, rows(30)).await.unwrap();
    drop(transaction);
    drop(writer);
    until(|| desk.tables() == "_syncline_pending").await;
    assert_eq!(next_checkpoints(&desk).await, 0);
    assert_eq!(desk.tables(), "");
}

#[tokio::test]
async fn sessions_that_are_cut_off_before_the_commit_leave_what_the_next_writer_clears_away() {
    let (desk, step) = (Desk::new("").await, model(TABLE).await);
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    define(&mut *transaction, vec![step]).await.unwrap();
    desk.kill_all();
    let error = transaction.commit(&checkpoint(1)).await.unwrap_err();
    assert_eq!(error.code(), Code::ConnectionLost, "{error:?}");
    drop(writer);
    assert_eq!(desk.tables(), "_syncline_new_1 _syncline_pending");
    assert_eq!(next_checkpoints(&desk).await, 0);
    assert_eq!(desk.tables(), "");
}

/// The rows and the checkpoint are committed, and the table has its name not yet.
#[tokio::test]
async fn a_session_that_is_cut_off_behind_the_commit_is_followed_up() {
    let (desk, step) = (Desk::new("").await, model(TABLE).await);
    let SchemaStep::CreateTable(table) = &step else { panic!("{step:?}") };
    let task = syncline_core::change::TableTask::whole(table.clone());
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    define(&mut *transaction, vec![step]).await.unwrap();
    transaction.load(&task, rows(30)).await.unwrap();
    transaction.restore_sequence("t", Some(50)).await.unwrap();
    // Who has looked at the table keeps it from getting another name.
    let mut theirs = desk.database.session();
    theirs.run("START TRANSACTION; SELECT COUNT(*) FROM _syncline_new_1");
    let committing = async { transaction.commit(&checkpoint(1)).await };
    let killing = async {
        until(|| desk.kill_those_at("RENAME TABLE") > 0).await;
    };
    let (committed, ()) = futures_util::future::join(committing, killing).await;
    assert_eq!(committed.unwrap_err().code(), Code::ConnectionLost);
    drop(writer);
    assert_eq!(desk.tables(), "_syncline_checkpoint _syncline_new_1 _syncline_pending");
    theirs.run("COMMIT");
    assert_eq!(next_checkpoints(&desk).await, 1);
    assert_eq!(desk.tables(), "_syncline_checkpoint t");
    assert_eq!(desk.shown("SELECT COUNT(*) FROM t"), "30");
    desk.database.mariadb("INSERT INTO t (n) VALUES (1)");
    assert_eq!(desk.shown("SELECT MAX(id) FROM t"), "51");
}

/// A process that was killed as it committed holds no claim any more, and its table was taken for one that nobody wants.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_the_server_is_at_work_on_is_waited_for() {
    let desk = Desk::new(
        "CREATE TABLE _syncline_pending (seq bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
             action varchar(20) NOT NULL, name varchar(64) NOT NULL, hidden varchar(64) NOT NULL, value bigint NOT NULL);
         CREATE TABLE _syncline_checkpoint (run varchar(255) PRIMARY KEY, batch bigint unsigned, seq bigint unsigned);
         CREATE TABLE _syncline_new_1 (id int PRIMARY KEY)",
    )
    .await;
    let mut dying = desk.database.session();
    dying.run(
        "START TRANSACTION; INSERT INTO _syncline_new_1 VALUES (7);
         INSERT INTO _syncline_checkpoint VALUES ('run', 1, 1);
         INSERT INTO _syncline_pending VALUES (1, 'show', 't', '_syncline_new_1', 0)",
    );
    let committing = async {
        until(|| desk.waiting("FROM _syncline_pending") > 0).await;
        dying.run("COMMIT");
    };
    let (checkpoints, ()) = futures_util::future::join(next_checkpoints(&desk), committing).await;
    assert_eq!(checkpoints, 1);
    assert_eq!(desk.shown("SELECT id FROM t"), "7");
}

/// Each step that was begun is carried to its end, or was at its end already.
#[tokio::test]
async fn steps_are_carried_out_from_wherever_they_were_left() {
    let pending = "CREATE TABLE _syncline_pending (seq bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, \
        action varchar(20) NOT NULL, name varchar(64) NOT NULL, hidden varchar(64) NOT NULL, value bigint NOT NULL);";
    let t = "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT);";
    let step = |step: &str| format!("{pending}INSERT INTO _syncline_pending VALUES (1, {step});");
    let (new, old) = (t.replace(" t ", " _syncline_new_1 "), t.replace(" t ", " _syncline_old_1 "));
    let (show, gone, count) = (
        step("'show', 't', '_syncline_new_1', 0"),
        step("'drop', 't', '_syncline_old_1', 0"),
        step("'count', 't', '', 40"),
    );
    let filled = |table: &str| format!("INSERT INTO {table} VALUES (7);");
    let cases = [
        ("not shown yet", format!("{new}{}{show}", filled("_syncline_new_1")), "t", "7"),
        ("shown already", format!("{t}{}{show}", filled("t")), "t", "7"),
        ("dropped by somebody", show.clone(), "", ""),
        ("made for nothing", format!("{new}{}", step("'make', '', '_syncline_new_1', 0")), "", ""),
        ("made by somebody else", format!("{new}{pending}"), "_syncline_new_1", ""),
        ("not dropped yet", format!("{t}{gone}"), "", ""),
        ("taken away", format!("{old}{gone}"), "", ""),
        ("dropped already", gone.clone(), "", ""),
        ("written to since", format!("{t}{}{gone}", filled("t")), "t", "7"),
        ("taken away and written to", format!("{old}{}{gone}", filled("_syncline_old_1")), "t", "7"),
        ("not counted yet", format!("{t}{count}"), "t", ""),
        ("nothing to count", count.clone(), "", ""),
    ];
    for (case, script, tables, rows) in cases {
        let desk = Desk::new(&script).await;
        let mut writer = desk.writer().await;
        for _ in 0..2 {
            assert!(writer.checkpoints().await.unwrap().is_empty(), "{case}");
            drop(writer.begin().await.unwrap());
        }
        // A run that has nothing to write has nothing to forget either.
        assert_eq!(desk.tables(), tables, "{case}");
        if tables == "t" {
            assert_eq!(desk.shown("SELECT * FROM t"), rows, "{case}");
        }
        if case == "not counted yet" {
            desk.database.mariadb("INSERT INTO t VALUES ()");
            assert_eq!(desk.shown("SELECT * FROM t"), "41");
        }
    }
}

/// Others have given out more numbers since, and those are not given out again.
#[tokio::test]
async fn a_number_that_is_set_late_is_never_set_back() {
    let desk = Desk::new(
        "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT) AUTO_INCREMENT = 90;
         CREATE TABLE _syncline_pending (seq bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
             action varchar(20) NOT NULL, name varchar(64) NOT NULL, hidden varchar(64) NOT NULL, value bigint NOT NULL);
         INSERT INTO _syncline_pending VALUES (1, 'count', 't', '', 40)",
    )
    .await;
    assert_eq!(next_checkpoints(&desk).await, 0);
    desk.database.mariadb("INSERT INTO t VALUES ()");
    assert_eq!(desk.shown("SELECT * FROM t"), "90");
}

#[tokio::test]
async fn a_name_that_others_have_taken_meanwhile_is_theirs() {
    let (desk, step) = (Desk::new("").await, model(TABLE).await);
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    define(&mut *transaction, vec![step]).await.unwrap();
    desk.database.mariadb("CREATE TABLE t (theirs int)");
    let error = transaction.commit(&checkpoint(1)).await.unwrap_err();
    assert_eq!(error.code(), Code::TargetChanged, "{error:?}");
    assert!(error.why().unwrap().contains("_syncline_new_1"), "{error:?}");
    desk.database.mariadb("DROP TABLE t");
    assert_eq!(writer.checkpoints().await.unwrap(), [checkpoint(1)]);
    assert_eq!(desk.tables(), "_syncline_checkpoint t");
}

#[tokio::test]
async fn a_table_goes_only_if_nothing_of_others_needs_it() {
    let script = "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);
        CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t (id));";
    let drop_it = |table: &str| SchemaStep::DropTable(table.to_owned());
    for (more, why) in [
        ("", "rows of child may reference it"),
        ("DROP TABLE child; CREATE VIEW v AS SELECT * FROM t", "the view v reads it"),
        ("DROP TABLE child; CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @x = 1", "the trigger g stands on it"),
    ] {
        let desk = Desk::new(&format!("{script}{more}")).await;
        let mut writer = desk.writer().await;
        let mut transaction = writer.begin().await.unwrap();
        let error = define(&mut *transaction, vec![drop_it("t")]).await.unwrap_err();
        assert_eq!((error.code(), error.why()), (Code::UndoStale, Some(why)), "{error:?}");
        drop(transaction);
        assert_eq!(desk.shown("SELECT * FROM t"), "1");
    }
    let desk = Desk::new(script).await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let both = ["t", "child"].map(str::to_owned).to_vec();
    let steps = vec![SchemaStep::DropReferencesAmong(both), drop_it("child"), drop_it("t")];
    define(&mut *transaction, steps.clone()).await.unwrap();
    drop(transaction);
    assert_eq!(desk.shown("SELECT * FROM t"), "1", "nothing has gone before the commit");
    let mut transaction = writer.begin().await.unwrap();
    define(&mut *transaction, steps).await.unwrap();
    transaction.commit(&checkpoint(1)).await.unwrap();
    writer.forget("run").await.unwrap();
    assert_eq!(desk.tables(), "");
}

#[tokio::test]
async fn a_description_that_does_something_else_is_refused() {
    let desk = Desk::new("CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)").await;
    let SchemaStep::CreateTable(table) = model("CREATE TABLE t (id int PRIMARY KEY)").await else { panic!() };
    let mut writer = desk.writer().await;
    for definition in [
        "CREATE TABLE `t` (`id` int) ; DROP TABLE other",
        "CREATE TABLE `t` (`id` int, `more` int)",
        "CREATE TABLE `t` (`id` int) AS SELECT id FROM other",
        "CREATE TABLE `t` (`id` int) ENGINE=MyISAM",
    ] {
        let mut table = (*table).clone();
        table.definition = definition.to_owned();
        let mut transaction = writer.begin().await.unwrap();
        let defined = define(&mut *transaction, vec![SchemaStep::CreateTable(table.into())]).await;
        drop(transaction);
        drop(writer.begin().await.unwrap());
        // The statement may be written from the description instead of being refused.
        let told = defined.map_err(|error| error.code());
        assert!(matches!(told, Ok(()) | Err(Code::StoreFailed)), "{told:?}");
        assert_eq!(desk.tables(), "other", "{definition}");
    }
}
