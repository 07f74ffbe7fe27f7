use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::StreamExt;
use syncline_core::error::Code;
use syncline_core::store::Flow;

use super::ConnectionThread;
use crate::sqlite::Access;
use crate::sqlite::connect::failure::{Attempt, Doing};
use crate::sqlite::connect::{Place, Role};

async fn thread(dir: &tempfile::TempDir) -> ConnectionThread {
    let place = Place::find(&dir.path().join("a.db"), Access::Create, Duration::from_secs(1)).unwrap();
    ConnectionThread::start(Arc::new(place), Role::Writer).await.unwrap()
}

#[tokio::test]
async fn a_panic_on_the_thread_is_an_error_for_its_callers() {
    let dir = tempfile::tempdir().unwrap();
    let thread = thread(&dir).await;
    let error = thread.call(Doing::Reading, |_| -> Attempt<()> { panic!("a planted bug") }).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    let error = thread.call(Doing::Reading, |_| Ok(())).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
}

#[tokio::test]
async fn a_panic_in_a_stream_is_not_the_end_of_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let thread = thread(&dir).await;
    let stream = thread.stream(Doing::Reading, |_, outlet| {
        outlet.send(1);
        panic!("a planted bug")
    });
    let items: Vec<_> = stream.collect().await;
    assert_eq!(*items[0].as_ref().unwrap(), 1);
    assert_eq!(items[1].as_ref().unwrap_err().code(), Code::Internal);
    assert_eq!(items.len(), 2);
}

#[tokio::test]
async fn nothing_is_read_before_it_is_asked_for_where_that_is_ruled_out() {
    let dir = tempfile::tempdir().unwrap();
    let thread = thread(&dir).await;
    let (begun, looked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&begun);
    let mut stream =
        thread.flow(Doing::Reading, Flow { rows: 1, reads_ahead: false, ..Flow::default() }, move |_, outlet| {
            while count.fetch_add(1, Ordering::AcqRel) < 20 {
                // What the consumer has looked at is all that was read before.
                if !outlet.send((count.load(Ordering::Acquire), looked.load(Ordering::Acquire))) {
                    break;
                }
                looked.fetch_add(1, Ordering::AcqRel);
            }
            Ok(())
        });
    let mut asked = 0;
    while let Some(batch) = stream.next().await {
        asked += 1;
        assert_eq!(batch.unwrap(), (asked, asked - 1));
        assert_eq!(begun.load(Ordering::Acquire), asked, "a batch was begun that nobody has asked for");
    }
    assert_eq!(asked, 20);
}

#[tokio::test]
async fn a_stream_that_is_dropped_stops_the_work_even_before_the_first_row() {
    let dir = tempfile::tempdir().unwrap();
    let thread = thread(&dir).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    drop(thread.stream::<i64, _>(Doing::Reading, move |conn, outlet| {
        outlet.send(conn.query_row(endless, [], |row| row.get(0))?);
        Ok(())
    }));
    let one: i64 =
        thread.call(Doing::Reading, |conn| Ok(conn.query_row("SELECT 1", [], |row| row.get(0))?)).await.unwrap();
    assert_eq!(one, 1);
}
