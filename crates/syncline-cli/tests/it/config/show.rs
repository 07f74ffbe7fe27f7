//! `syncline config show`, `path` and `schema`.

use serde_json::Value;

use crate::scene::Scene;

#[test]
fn each_setting_says_where_it_comes_from() {
    let scene = Scene::with_connections().with_variable("SYNCLINE_COLOR", "never");
    let shown = scene.json("config show --json --progress plain");
    assert_eq!(shown["type"], "config");
    let setting = |name: &str| {
        let settings = shown["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["name"] == name).unwrap();
        (found["value"].clone(), found["origin"].clone(), found["variable"].clone())
    };
    assert_eq!(setting("color"), ("never".into(), "environment".into(), "SYNCLINE_COLOR".into()));
    assert_eq!(setting("progress"), ("plain".into(), "flag".into(), Value::Null));
    assert_eq!(setting("log_format"), ("text".into(), "default".into(), Value::Null));
    assert_eq!(setting("state_dir").1, "environment");
    assert_eq!(setting("config"), (Value::Null, "default".into(), Value::Null));
    let from: Vec<_> = shown["connections"].as_array().unwrap().iter().map(|it| it["origin"].clone()).collect();
    assert_eq!(from, ["project", "project"]);
    let text = scene.steady(&scene.ok("config show"));
    assert!(text.starts_with("SETTING"), "{text}");
    let line = |name: &str| {
        text.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("connections.hq"), "connections.hq sqlite:a.db DIR/syncline.toml, line 4");
    assert_eq!(line("color"), "color never environment SYNCLINE_COLOR");
}

#[test]
fn paths_are_those_that_are_read() {
    let scene = Scene::with_connections();
    assert_eq!(scene.steady(&scene.ok("config path")), "DIR/syncline.toml\n");
    scene.write(".config/syncline/config.toml", "version = 1\n");
    assert_eq!(scene.steady(&scene.ok("config path")), "DIR/syncline.toml\nDIR/.config/syncline/config.toml\n");
    let empty = Scene::new();
    let said = empty.run("config path");
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""));
    assert!(said.err.contains("there is none"), "{}", said.err);
}

#[test]
fn the_schema_is_json_and_says_what_is_accepted() {
    let scene = Scene::new();
    let schema: Value = serde_json::from_str(&scene.ok("config schema")).unwrap();
    assert_eq!(schema, scene.json("config schema --json"));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let keys: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["connections", "version"], "jobs are no part of it yet");
    // Every key of the schema is accepted, and others are not.
    let connection = &schema["properties"]["connections"]["additionalProperties"]["properties"];
    for key in connection.as_object().unwrap().keys() {
        let value = if connection[key]["type"] == "boolean" { "true" } else { "'a.db'" };
        let rest = if key == "url" { "" } else { "url = 'a.db'\n" };
        scene.write("syncline.toml", format!("version = 1\n[connections.a]\n{key} = {value}\n{rest}"));
        scene.ok("config validate");
        scene.write("syncline.toml", format!("version = 1\n[connections.a]\n{key}s = {value}\n{rest}"));
        let said = scene.run("config validate");
        assert!(said.code == Some(2) && said.out.contains(&format!("write {key}, if that is meant")), "{}", said.out);
    }
}
