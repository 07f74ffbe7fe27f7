//! What a store finds out for those who look after its database.

use syncline_core::error::Code;
use syncline_core::store::{Finding, Side, Verdict};

use super::rows::{create_orders, objects};
use super::{Factory, Promise};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "examine: where a run works there is no problem", check: |labs| Box::pin(no_problem(labs)) },
    Promise { name: "examine: a claim is told and not taken", check: |labs| Box::pin(claim_is_told(labs)) },
    Promise { name: "examine: a table without a key is named", check: |labs| Box::pin(keyless_is_named(labs)) },
];

fn problems(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Problem(_))).collect()
}

async fn no_problem(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 1, 10).await;
    let before = objects(&*lab).await;
    let store = lab.open().await;
    for side in [None, Some(Side::Source), Some(Side::Target)] {
        let findings = store.examine(side).await.unwrap();
        assert!(problems(&findings).is_empty(), "{findings:?}");
        assert!(findings.iter().any(|finding| finding.verdict == Verdict::Ok), "what is well is told: {findings:?}");
        let advised = |finding: &&Finding| finding.verdict != Verdict::Ok && finding.topic != "rights";
        let silent = findings.iter().filter(advised).find(|finding| finding.next.is_empty());
        // Of several tables together is told how many; each has a finding of its own.
        assert!(silent.is_none_or(|finding| finding.what.contains("tables")), "{silent:?}");
    }
    assert_eq!(objects(&*lab).await, before, "it leaves nothing");
}

async fn claim_is_told(labs: Factory<'_>) {
    let lab = labs();
    let (store, other) = (lab.open().await, lab.open().await);
    let about = |findings: Vec<Finding>| findings.into_iter().find(|finding| finding.topic == "claim");
    assert_eq!(about(other.examine(Some(Side::Target)).await.unwrap()), None);
    let claim = store.claim("the first").await.unwrap();
    for (side, verdict) in [(Some(Side::Target), Verdict::Problem(Code::RunLocked)), (None, Verdict::Note)] {
        let told = about(other.examine(side).await.unwrap()).expect("it is held");
        assert_eq!((told.verdict, &*told.why), (verdict, "the first"));
    }
    assert_eq!(about(other.examine(Some(Side::Source)).await.unwrap()), None, "who only reads need not mind");
    drop(claim);
    drop(store);
    // The session or file of the one before may take a moment to go.
    drop(other.claim("the second").await.unwrap());
}

async fn keyless_is_named(labs: Factory<'_>) {
    let lab = labs();
    lab.run_sql(&lab.types().fill("CREATE TABLE heap (n $int)")).await;
    let findings = lab.open().await.examine(None).await.unwrap();
    let told: Vec<_> = findings.iter().filter(|finding| finding.table.as_deref() == Some("heap")).collect();
    assert!(told.iter().any(|finding| finding.topic == "key" && finding.verdict == Verdict::Note), "{findings:?}");
}
