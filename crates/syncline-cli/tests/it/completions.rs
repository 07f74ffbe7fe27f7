//! `syncline completions`.

use crate::scene::Scene;

#[test]
fn every_shell_gets_its_script() {
    let scene = Scene::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = scene.ok(&format!("completions {shell}"));
        assert!(script.contains("syncline") && script.contains("mirror"), "{shell}");
        assert_eq!(scene.json(&format!("completions {shell} --json"))["script"], script, "{shell}");
    }
    assert_eq!(scene.run("completions tcsh").code, Some(2));
}
