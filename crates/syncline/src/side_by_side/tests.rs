use std::collections::BTreeSet;
use std::sync::Arc;

use syncline_core::cancel::Cancel;
use syncline_core::event::Silent;

use super::*;
use crate::open::Purpose;
use crate::session::Settings;

/// A session and two databases.
async fn session(dir: &tempfile::TempDir) -> (Syncline, Database, Database) {
    for name in ["a.db", "b.db"] {
        let conn = rusqlite::Connection::open(dir.path().join(name)).unwrap();
        conn.execute_batch("CREATE TABLE IF NOT EXISTS t (a)").unwrap();
    }
    let settings = Settings {
        state_dir: dir.path().join("state"),
        backup_root: None,
        working_dir: dir.path().to_owned(),
        environment: Box::new(|_| None),
        config: crate::config::ConfigPlaces::default(),
        events: Arc::new(Silent),
        cancel: Cancel::new(),
    };
    let session = Syncline::open(settings).await.unwrap();
    let source = session.open_database("a.db", Purpose::Read).await.unwrap();
    let target = session.open_database("b.db", Purpose::Read).await.unwrap();
    (session, source, target)
}

fn refused(at: usize) -> Error {
    Error::new(Code::StoreFailed, format!("item {at}"))
}

/// What comes of going through twelve items in which some have errors or large values.
async fn outcomes(
    jobs: usize,
    fail: &[usize],
    large: &[usize],
    alone: &[usize],
) -> (Vec<Result<usize>>, BTreeSet<usize>) {
    let dir = tempfile::tempdir().unwrap();
    let (session, source, target) = session(&dir).await;
    let mut views = session.views(&source, &target, jobs).await.unwrap();
    assert_eq!(views.width(), jobs, "nobody writes");
    let (at_once, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    let has_failed = AtomicBool::new(false);
    let items: Vec<usize> = (0..12).collect();
    let each = async |at: &usize, ends: Ends<'_>| {
        let now = at_once.fetch_add(1, Ordering::Relaxed) + 1;
        most.fetch_max(now, Ordering::Relaxed);
        assert!(!alone.contains(at) || now == 1, "item {at} is not alone");
        // The later ones are the faster ones, but the last do not overtake an error.
        for _ in *at..12 {
            ends.source.schema().await?;
            ends.target.schema().await?;
        }
        while *at > 5 && !fail.is_empty() && !has_failed.load(Ordering::Relaxed) {
            ends.source.schema().await?;
        }
        let is_alone = at_once.fetch_sub(1, Ordering::Relaxed) == 1;
        if large.contains(at) && !is_alone {
            return Err(Error::new(Code::ValueTooLarge, "too large"));
        }
        done.lock().unwrap().insert(*at);
        has_failed.fetch_or(fail.contains(at), Ordering::Relaxed);
        if fail.contains(at) { Err(refused(*at)) } else { Ok(*at) }
    };
    let outcomes = views.go_through(&items, |at| alone.contains(at), each).await;
    assert_eq!(most.into_inner(), jobs, "at once");
    (outcomes, done.into_inner().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_of_it_does_not_depend_on_how_many_go_at_once() {
    for jobs in [1, 2, 5] {
        let (all, _) = outcomes(jobs, &[], &[1, 2, 7], &[0, 5]).await;
        assert_eq!(all.into_iter().map(Result::unwrap).collect::<Vec<_>>(), (0..12).collect::<Vec<_>>(), "{jobs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_error_in_their_order_is_the_one_that_counts() {
    for jobs in [1, 2, 5] {
        for (fail, alone) in [(&[3, 4, 9][..], &[][..]), (&[3, 4], &[3]), (&[3, 5], &[4]), (&[3], &[0, 11])] {
            let (all, done) = outcomes(jobs, fail, &[2], alone).await;
            let (last, before) = all.split_last().unwrap();
            assert_eq!(last.as_ref().unwrap_err().what(), "item 3", "{jobs} at once, {fail:?} fail");
            assert_eq!(before.iter().map(|done| *done.as_ref().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
            assert!(!done.contains(&11), "the work went on to its end");
        }
    }
}

/// Somebody commits while views are taken. Whatever views there are show the same, and there is one of each side at least.
#[tokio::test(flavor = "multi_thread")]
async fn views_show_one_instant_whoever_writes() {
    for journal in ["WAL", "DELETE"] {
        let dir = tempfile::tempdir().unwrap();
        drop(session(&dir).await);
        let writer = rusqlite::Connection::open(dir.path().join("a.db")).unwrap();
        writer.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
        writer.execute_batch(&format!("PRAGMA journal_mode = {journal}; PRAGMA synchronous = OFF")).unwrap();
        let (session, source, target) = session(&dir).await;
        let (begin, begun) = std::sync::mpsc::channel();
        let writing = std::thread::spawn(move || {
            for () in begun {
                (0..400).for_each(|_| writer.execute_batch("INSERT INTO t VALUES (1)").unwrap());
            }
        });
        for _ in 0..20 {
            begin.send(()).unwrap();
            let mut views = session.views(&source, &target, 4).await.unwrap();
            let schema = views.source.schema().await.unwrap();
            let task = syncline_core::change::TableTask::whole(schema.table("t").unwrap().clone());
            let mut counts = BTreeSet::new();
            for ends in views.all_ends() {
                counts.insert(ends.source.count(&task).await.unwrap());
            }
            assert_eq!(counts.len(), 1, "{journal}: {counts:?}");
        }
        drop((begin, source, target));
        writing.join().unwrap();
    }
}
