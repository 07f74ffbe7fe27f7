//! `syncline man`.

use crate::scene::Scene;

#[test]
fn the_main_page_is_printed() {
    let page = Scene::new().ok("man");
    assert!(page.contains(".TH syncline 1") && page.contains("mirror"), "{page}");
}

#[test]
fn all_pages_are_written_to_a_directory() {
    let scene = Scene::new();
    let written = scene.json("man pages --json");
    let count = std::fs::read_dir(scene.path("pages")).unwrap().count();
    assert_eq!(written["pages"], count);
    for page in ["syncline.1", "syncline-mirror.1", "syncline-runs-list.1"] {
        assert!(scene.path("pages").join(page).exists(), "{page}");
    }
}
