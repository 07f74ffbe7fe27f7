use std::collections::BTreeMap;
use std::fs;

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Box::new(move |name| variables.get(name).cloned())
}

async fn fetched(dir: &Path, url: &str, variables: &[(&str, &str)]) -> Result<Vec<String>> {
    fetch(&connection_in(dir, url), &environment(variables)).await
}

#[track_caller]
fn why(fetched: Result<Vec<String>>) -> String {
    let error = fetched.unwrap_err();
    assert_eq!(error.code(), Code::SecretFailed);
    assert!(!format!("{error:?}{:?}", error.next_steps()).contains("hunter2"), "{error:?}");
    error.why().unwrap().to_owned()
}

#[tokio::test]
async fn variables_come_from_the_environment_then_from_the_file_beside() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, url) = (dir.path(), "postgres://u:${env:PW}@h/d");
    assert_eq!(fetched(dir, url, &[("PW", "a")]).await.unwrap(), ["a"]);
    assert!(why(fetched(dir, url, &[]).await).contains("there is no "));
    fs::write(dir.join(".env"), "PW='b'\nEMPTY=\nBAD='hunter2\n").unwrap();
    assert_eq!(fetched(dir, url, &[]).await.unwrap(), ["b"]);
    assert_eq!(fetched(dir, url, &[("PW", "")]).await.unwrap(), ["b"]);
    assert_eq!(fetched(dir, url, &[("PW", "a")]).await.unwrap(), ["a"]);
    assert!(why(fetched(dir, "${env:EMPTY}", &[]).await).contains("does not set it"));
    assert!(why(fetched(dir, "${env:BAD}", &[]).await).contains("line 3"));
    fs::write(dir.join(".env"), [0xff, b'\n']).unwrap();
    assert!(why(fetched(dir, url, &[]).await).contains("UTF-8"));
    fs::write(dir.join(".env"), "#".repeat(1 << 20)).unwrap();
    assert!(why(fetched(dir, url, &[]).await).contains("larger"));
}

#[tokio::test]
async fn files_are_read_from_the_directory_of_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, url) = (dir.path(), "postgres://u:${file:secrets/pw}@h/d");
    fs::create_dir(dir.join("secrets")).unwrap();
    for (content, secret) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a ")] {
        fs::write(dir.join("secrets/pw"), content).unwrap();
        assert_eq!(fetched(dir, url, &[]).await.unwrap(), [secret], "{content:?}");
    }
    for (content, word) in [
        (&b""[..], "empty"),
        (b"\n", "empty"),
        (b"hunter2\0", "NUL"),
        (b"hunter2\xff", "UTF-8"),
        (&[b'x'; 70 << 10], "larger"),
    ] {
        fs::write(dir.join("secrets/pw"), content).unwrap();
        assert!(why(fetched(dir, url, &[]).await).contains(word), "{word}");
    }
    assert!(why(fetched(dir, "${file:secrets}", &[]).await).contains("no file"));
    assert!(why(fetched(dir, "${file:/no/such}", &[]).await).contains("/no/such"));
}

#[cfg(unix)]
#[tokio::test]
async fn commands_run_beside_the_configuration_if_it_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let set = |name: &str, mode| fs::set_permissions(dir.join(name), PermissionsExt::from_mode(mode)).unwrap();
    fs::write(dir.join("secret.sh"), "#!/bin/sh\necho \"$1\"\n").unwrap();
    set("secret.sh", 0o700);
    let url = "postgres://u:${cmd:./secret.sh 'a b'}@h/d";
    connection_in(dir, url);
    set("syncline.toml", 0o644);
    assert_eq!(fetched(dir, url, &[]).await.unwrap(), ["a b"]);
    fs::write(dir.join("fail.sh"), "echo hunter2; echo hunter2 >&2; exit 7\n").unwrap();
    assert!(why(fetched(dir, "${cmd:/bin/sh fail.sh}", &[]).await).contains('7'));
    assert!(why(fetched(dir, "${cmd:./secret.sh}", &[]).await).contains("empty"));
    for mode in [0o664, 0o646, 0o666] {
        set("syncline.toml", mode);
        let error = fetched(dir, url, &[]).await.unwrap_err();
        assert_eq!(error.code(), Code::ConfigUntrusted, "{mode:o}");
        assert_eq!(fetched(dir, "${env:PW}", &[("PW", "a")]).await.unwrap(), ["a"], "nothing is run for it");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_at_hand_is_had_without_a_command() {
    let dir = tempfile::tempdir().unwrap();
    let at_hand = |url| fetch_at_hand(&connection_in(dir.path(), url), &environment(&[("PW", "a")]));
    assert_eq!(at_hand("postgres://u:${env:PW}@h/d"), Some(vec!["a".to_owned()]));
    assert_eq!(at_hand("a.db"), Some(Vec::new()));
    assert_eq!(at_hand("${cmd:touch ran}${env:PW}"), None);
    assert_eq!(at_hand("${keyring:x}"), None);
    assert_eq!(at_hand("${env:OTHER}"), None);
    assert!(!dir.path().join("ran").exists());
}
