//! Secrets of a url: fetched when it is opened, and shown nowhere.

use std::fs;

use super::refused;
use crate::scene::{Said, Scene};

/// Nothing like any other text.
const CANARY: &str = "CANARY-hunter2";

fn connection(url: &str) -> String {
    format!("version = 1\n[connections.hq]\nurl = '''{url}'''\n[connections.branch]\nurl = 'b.db'\n")
}

#[test]
fn a_path_may_be_kept_anywhere() {
    let scene = Scene::with_connections();
    scene.write(".env", "FROM_ENV_FILE=a.db\n");
    scene.write("secrets/path", "a.db\n");
    scene.write("print.sh", "echo a.db\n");
    let url = scene.path("a.db");
    let scene = scene.with_variable("NAME", "a").with_variable("WHOLE", url.to_str().unwrap());
    for url in [
        "sqlite:${env:NAME}.db",
        "${env:WHOLE}",
        "${env:FROM_ENV_FILE}",
        "sqlite:${file:secrets/path}",
        "sqlite:${cmd:/bin/sh print.sh}",
        "./${env:NAME}.db",
        "file:${env:NAME}.${cmd:printf 'd%s' b}",
    ] {
        scene.write("syncline.toml", connection(url));
        scene.ok("diff hq branch");
        fs::create_dir_all(scene.path("deep")).unwrap();
        assert_eq!(scene.run_in("deep", "diff hq branch").code, Some(0), "{url}");
        assert_eq!(scene.json("conn show hq --json")["url"], url);
    }
}

#[test]
fn what_cannot_be_had_is_an_error_without_its_words() {
    let scene = Scene::with_connections();
    scene.write("long", "x".repeat(100_000));
    scene.write("nul", format!("{CANARY}\0"));
    scene.write("fail.sh", format!("echo {CANARY}; echo {CANARY} >&2; exit 3\n"));
    for (url, word) in [
        ("${env:UNSET}", "unset or empty"),
        ("${file:missing}", "missing"),
        ("${file:long}", "larger"),
        ("${file:nul}", "NUL"),
        ("${file:.}", "no file"),
        ("${file:/dev/zero}", "no file"),
        ("${cmd:/bin/sh fail.sh}", "exit status: 3"),
        ("${cmd:no-such-program}", "could not be started"),
        ("${cmd:true}", "empty"),
        ("${cmd:cat /dev/zero}", "more than"),
        ("${cmd:'open}", "quote"),
    ] {
        scene.write("syncline.toml", connection(url));
        for line in ["diff hq branch", "doctor hq -v", "copy hq branch"] {
            let said = scene.run(line);
            refused(&said, 2, "SECRET_FAILED");
            assert!(said.err.contains(word) && !said.err.contains(CANARY), "{url}: {}", said.err);
        }
        scene.ok("conn show hq");
        scene.ok("config validate");
    }
    let error = {
        scene.write("syncline.toml", connection("${env:UNSET}"));
        scene.run("diff hq branch --json").last()
    };
    assert_eq!((&error["code"], &error["state"]), (&"SECRET_FAILED".into(), &"nothing was changed".into()));
}

#[test]
fn a_password_is_nowhere_in_what_is_said_or_kept() {
    let scene = Scene::with_connections().with_variable("PW", CANARY);
    scene.write("pw", CANARY);
    for url in [
        format!("postgres://u:{CANARY}@127.0.0.1:1/d"),
        "postgres://u:${env:PW}@127.0.0.1:1/d".to_owned(),
        "postgres://u:${file:pw}@127.0.0.1:1/d".to_owned(),
        "postgres://u@127.0.0.1:1/d?password=${cmd:cat pw}".to_owned(),
        "${env:PW}".to_owned(),
        "${env:PW}:${env:PW}@h/d".to_owned(),
        "postgres://u:${env:PW}@h:${env:PW}/d".to_owned(),
        "postgres://u:${env:PW}@h/d?${env:PW}=1".to_owned(),
        "mysql://u:${env:PW}@127.0.0.1:1/d".to_owned(),
    ] {
        scene.write("syncline.toml", connection(&url));
        for line in [
            "conn list",
            "conn show hq",
            "conn test hq",
            "conn test",
            "config show",
            "config validate",
            "diff hq branch",
            "copy hq branch",
            "copy branch hq",
            "mirror b.db hq --yes",
            "plan copy hq branch -o p.plan",
            "doctor hq",
            "runs list",
        ] {
            for flags in ["", " -v", " --json", " --log-format json"] {
                let said = scene.run(&format!("{line}{flags}"));
                assert!(
                    !said.out.contains(CANARY) && !said.err.contains(CANARY),
                    "{url} {line}\n{}{}",
                    said.out,
                    said.err
                );
            }
        }
    }
    assert!(!scene.state().contains(CANARY));
    assert!(!scene.path("p.plan").exists());
}

#[cfg(unix)]
#[test]
fn a_keyring_is_asked_through_its_own_program() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::with_connections();
    let program = if cfg!(target_os = "macos") { "bin/security" } else { "bin/secret-tool" };
    scene.write(program, "#!/bin/sh\necho \"$*\" > asked\nprintf a.db\n");
    fs::set_permissions(scene.path(program), PermissionsExt::from_mode(0o755)).unwrap();
    scene.write("syncline.toml", connection("${keyring:shop's hq}"));
    let path = format!("{}:/usr/bin:/bin", scene.path("bin").display());
    let diff =
        |path: &str| -> Said { scene.command(&["diff", "hq", "branch"]).env("PATH", path).output().unwrap().into() };
    assert_eq!(diff(&path).code, Some(0), "{}", diff(&path).err);
    assert!(scene.read("asked").trim_end().ends_with("shop's hq"), "{}", scene.read("asked"));
    let said = diff("/nowhere");
    refused(&said, 2, "SECRET_FAILED");
    assert!(said.err.contains("puts it into the keyring"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn commands_run_only_for_a_file_of_the_users_own() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::with_connections();
    scene.write("syncline.toml", connection("${cmd:touch ran}"));
    for mode in [0o664, 0o620] {
        fs::set_permissions(scene.path("syncline.toml"), PermissionsExt::from_mode(mode)).unwrap();
        for line in ["diff hq branch", "diff hq branch --config syncline.toml", "conn test"] {
            let said = scene.run(line);
            assert_eq!(said.code, Some(2), "{line}");
            assert!(said.err.contains("CONFIG_UNTRUSTED") && said.err.contains("chmod go-w"), "{}", said.err);
        }
        assert!(!scene.path("ran").exists());
    }
    fs::set_permissions(scene.path("syncline.toml"), PermissionsExt::from_mode(0o644)).unwrap();
    scene.run("diff hq branch");
    assert!(scene.path("ran").exists());
}

#[test]
fn a_secret_is_fetched_once_a_command() {
    let scene = Scene::with_connections();
    scene.write("count.sh", "echo x >> count\nprintf a.db\n");
    scene.write("syncline.toml", connection("${cmd:/bin/sh count.sh}"));
    scene.ok("plan copy hq branch -o p.plan");
    assert_eq!(scene.read("count"), "x\n");
    scene.ok("conn list");
    scene.ok("config show");
    assert_eq!(scene.read("count"), "x\n", "what only shows runs nothing");
}
