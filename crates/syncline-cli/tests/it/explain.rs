//! `syncline explain`.

use crate::scene::Scene;

#[test]
fn codes_are_explained_in_any_case() {
    let scene = Scene::new();
    let shown = scene.ok("explain guard_deletes");
    assert!(shown.starts_with("GUARD_DELETES  exit code 6\n\nThe run would delete more rows"), "{shown}");
    let explained = scene.json("explain GUARD_DELETES --json");
    assert_eq!((explained["type"].as_str(), explained["exit"].as_u64()), (Some("explanation"), Some(6)));
}

#[test]
fn all_codes_are_listed() {
    let scene = Scene::new();
    let all = scene.json("explain --json");
    let codes = all["data"].as_array().unwrap();
    assert_eq!(scene.ok("explain").lines().count(), codes.len() + 1);
    for code in codes {
        scene.ok(&format!("explain {}", code["code"].as_str().unwrap()));
    }
}

#[test]
fn an_unknown_code_is_corrected() {
    let said = Scene::new().run("explain GARD_DELETES");
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("a similar one is GUARD_DELETES"), "{}", said.err);
}
