use rusqlite::params;
use syncline_core::change::RowDigest;
use syncline_core::error::Code;
use syncline_core::state::{Evidence, TableRecord};

use super::NET_IMAGES;
use crate::state::fixtures::{LONG, image, load, open, record, run, table};
use crate::state::{ImageCounts, State};

#[tokio::test]
async fn images_come_back_as_they_were_given() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    let unknown = record(&evidence, 1, "t", vec![image("k", None, None)]).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Internal);
    for name in ["t", "other"] {
        evidence.record_table(&table(name)).await.unwrap();
    }
    evidence.record_table(&TableRecord { sequence: None, ..table("t") }).await.unwrap();
    assert_eq!(state.evidence_tables(&id).await.unwrap(), [table("t"), table("other")]);

    let images =
        [image("c", Some("gone"), None), image("a", Some(""), Some(u128::MAX)), image("\0b", None, Some(1 << 90))];
    record(&evidence, 1, "t", images[..2].to_vec()).await.unwrap();
    record(&evidence, 1, "other", vec![image("a", None, Some(5))]).await.unwrap();
    record(&evidence, 2, "t", images[2..].to_vec()).await.unwrap();
    record(&evidence, 2, "t", Vec::new()).await.unwrap();

    let first = state.images(&id, "t", 0, 2).await.unwrap();
    let second = state.images(&id, "t", first[1].0, 2).await.unwrap();
    assert_eq!(first.into_iter().chain(second).map(|(_, image)| image).collect::<Vec<_>>(), images);
    let keys = [b"\0b".to_vec(), b"missing".to_vec(), b"c".to_vec()];
    assert_eq!(state.images_by_key(&id, "t", &keys).await.unwrap().0, [images[2].clone(), images[0].clone()]);
    let counts = ImageCounts { to_restore: 1, to_revert: 1, to_remove: 1 };
    assert_eq!(state.image_counts(&id, "t").await.unwrap(), counts);
    assert_eq!(state.image_counts(&id, "unknown").await.unwrap(), ImageCounts::default());
    assert!(state.images("r_none", "t", 0, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn long_images_come_few_at_a_time() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    let long = "x".repeat(LONG);
    let images: Vec<_> = ["a", "b", "c", "d", "e"].map(|key| image(key, Some(&long), Some(1))).into();
    record(&evidence, 1, "t", images.clone()).await.unwrap();
    let keys: Vec<_> = images.iter().map(|image| image.key.clone()).collect();
    let (first, looked_up) = state.images_by_key(&id, "t", &keys).await.unwrap();
    assert_eq!((first.len(), looked_up), (2, 2));
    let (last, looked_up) = state.images_by_key(&id, "t", &keys[4..]).await.unwrap();
    assert!(last == images[4..] && looked_up == 1);
    // Which rows there are, and where, is known without their cells.
    let traces = state.traces(&id, "t", 0, 9).await.unwrap();
    assert_eq!(traces.iter().map(|(_, trace)| trace.key.clone()).collect::<Vec<_>>(), keys);
    assert!(traces.iter().all(|(_, trace)| trace.was_there && trace.after == Some(RowDigest(1))));
    let places: Vec<_> = images.iter().map(|image| image.place).collect();
    assert_eq!(state.places_by_key(&id, "t", &keys).await.unwrap(), places);
}

#[tokio::test]
async fn a_row_changed_twice_has_one_image() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    let displaced = [image("a", Some("old"), None), image("b", Some("old"), None), image("c", None, Some(1))];
    record(&evidence, 1, "t", displaced.to_vec()).await.unwrap();
    let placed = [image("a", None, Some(5)), image("c", Some("new"), None)];
    record(&evidence, 1, "t", placed.to_vec()).await.unwrap();

    let net = [image("a", Some("old"), Some(5)), image("b", Some("old"), None)];
    let images: Vec<_> = state.images(&id, "t", 0, 9).await.unwrap().into_iter().map(|(_, image)| image).collect();
    assert_eq!(images, net);
    let keys = [b"c".to_vec(), b"b".to_vec(), b"a".to_vec()];
    assert_eq!(state.images_by_key(&id, "t", &keys).await.unwrap().0, [net[1].clone(), net[0].clone()]);
    let counts = ImageCounts { to_restore: 1, to_revert: 1, to_remove: 0 };
    assert_eq!(state.image_counts(&id, "t").await.unwrap(), counts);
}

#[tokio::test]
async fn what_never_came_into_the_target_is_discarded() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    for (batch, name) in [(1, "t"), (2, "t"), (2, "u"), (3, "t"), (3, "v")] {
        evidence.record_table(&table(name)).await.unwrap();
        record(&evidence, batch, name, vec![image(&batch.to_string(), Some("x"), None)]).await.unwrap();
    }
    evidence.record_load(2, &load("kept")).await.unwrap();
    evidence.record_load(3, &load("late")).await.unwrap();

    let names = |tables: Vec<TableRecord>| tables.into_iter().map(|table| table.table).collect::<Vec<_>>();
    evidence.forget_batch(3).await.unwrap();
    assert_eq!(names(state.evidence_tables(&id).await.unwrap()), ["t", "u"]);
    assert_eq!(state.loads(&id).await.unwrap(), [load("kept")]);
    state.evidence(&id).seal(1).await.unwrap();
    assert_eq!(names(state.evidence_tables(&id).await.unwrap()), ["t"]);
    assert_eq!(state.images(&id, "t", 0, 9).await.unwrap().len(), 1);
    assert!(state.has_changes(&id).await.unwrap());
    state.evidence(&id).seal(0).await.unwrap();
    assert!(!state.has_changes(&id).await.unwrap());
    assert!(state.evidence_tables(&id).await.unwrap().is_empty());

    assert_eq!(state.sealed_batch(&id).await.unwrap(), Some(0));
    evidence.seal(2).await.unwrap();
    assert_eq!(state.sealed_batch(&id).await.unwrap(), Some(2));
}

#[tokio::test]
async fn pages_of_images_are_found_by_index() {
    let (_dir, state) = open().await;
    let plans = plans(&state).await;
    assert!(plans.iter().all(|plan| !plan.contains("SCAN")), "{plans:#?}");
    assert!(plans.iter().any(|plan| plan.contains("image_in_order (table_id=? AND rowid>?)")), "{plans:#?}");
    assert!(plans.iter().all(|plan| !plan.contains("TEMP B-TREE")), "{plans:#?}");
}

/// How SQLite goes about a page of images and a look-up by key.
async fn plans(state: &State) -> Vec<String> {
    let page =
        format!("EXPLAIN QUERY PLAN {NET_IMAGES} AND table_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3");
    let by_key = format!("EXPLAIN QUERY PLAN {NET_IMAGES} AND table_id = ?1 AND key = ?2 LIMIT ?3");
    let plans = state.database.read("explain", move |connection| {
        let mut plans = Vec::new();
        for explain in [page, by_key] {
            let mut statement = connection.prepare(&explain)?;
            let steps = statement.query_map(params![1, 1, 1], |row| row.get(3))?;
            plans.extend(steps.collect::<rusqlite::Result<Vec<String>>>()?);
        }
        Ok(plans)
    });
    plans.await.expect("BUG: the statements can be prepared")
}
