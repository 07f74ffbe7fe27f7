use super::*;

const FILE: &str = r#"# All of ours.

version = 1   # so far

# --- servers ---

# Headquarters.
[connections.hq]   # mind it
url = "postgres://app@db1/shop"   # not db2
protected = true

[connections.branch]
protected=false
url = 'sqlite:./branch.db'
# the end
"#;

/// What becomes of a file.
fn edited(text: &str, edit: impl Fn(&Path) -> Result<()>) -> Result<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("syncline.toml");
    std::fs::write(&path, text).unwrap();
    let done = edit(&path);
    let left = std::fs::read_to_string(&path).unwrap();
    if done.is_err() {
        assert_eq!(left, text, "a refused edit changes nothing");
    }
    done.map(|()| left)
}

fn name(name: &str) -> ConnectionName {
    ConnectionName::parse(name).unwrap()
}

fn new(url: &str, is_protected: bool) -> NewConnection {
    NewConnection { name: name("new"), url: url.to_owned(), is_protected }
}

fn changed(text: &str, which: &str, with: ConnectionChange) -> Result<String> {
    edited(text, |path| change(path, which, &with))
}

fn url(url: &str) -> ConnectionChange {
    ConnectionChange { url: Some(url.to_owned()), ..ConnectionChange::default() }
}

fn protected(is_protected: bool) -> ConnectionChange {
    ConnectionChange { is_protected: Some(is_protected), ..ConnectionChange::default() }
}

#[test]
fn a_new_connection_stands_at_the_end() {
    let added = |text: &str| edited(text, |path| add(path, &new("a.db", true))).unwrap();
    let shown = "\n[connections.new]\nurl = \"a.db\"\nprotected = true\n";
    assert!(added("version = 1\n").ends_with(&format!("version = 1\n{shown}")));
    assert!(added("version = 1").ends_with(shown));
    let (first, last) = FILE.split_once("# the end").unwrap();
    assert_eq!(added(FILE), format!("{first}{shown}# the end{last}"), "a comment at the very end stays there");
    let inline = added("version = 1\nconnections = { a = { url = 'b.db' } } # here\n");
    assert!(inline.starts_with("version = 1\nconnections = { a = { url = 'b.db' }"), "{inline}");
    let dotted = added("connections.a.url = 'b.db'\nversion = 1\n");
    assert!(dotted.starts_with("connections.a.url = 'b.db'\n"), "{dotted}");
}

#[test]
fn what_is_not_to_change_stays_to_the_byte() {
    let expected = FILE.replace("app@db1/shop\"   #", "app@db3/shop\"   #");
    assert_eq!(changed(FILE, "hq", url("postgres://app@db3/shop")).unwrap(), expected);
    assert_eq!(changed(FILE, "hq", protected(false)).unwrap(), FILE.replace("protected = true", "protected = false"));
    assert_eq!(changed(FILE, "hq", protected(true)).unwrap(), FILE);
    assert_eq!(changed(FILE, "branch", protected(true)).unwrap(), FILE.replace("protected=false", "protected=true"));
    let renamed = ConnectionChange { name: Some(name("main")), ..ConnectionChange::default() };
    assert_eq!(changed(FILE, "hq", renamed).unwrap(), FILE.replace("connections.hq", "connections.main"));
    let windows = FILE.replace('\n', "\r\n");
    assert_eq!(changed(&windows, "hq", protected(false)).unwrap(), windows.replace("= true", "= false"));
    let marked = format!("\u{feff}{FILE}");
    assert_eq!(changed(&marked, "hq", protected(false)).unwrap(), marked.replace("= true", "= false"));
    let bare = "version = 1\n[connections.a]\nurl = 'b.db'";
    assert_eq!(changed(bare, "a", protected(false)).unwrap(), format!("{bare}\n"), "the last line is ended");
}

#[test]
fn a_comment_goes_with_its_connection_and_others_stay() {
    let removed = |which| edited(FILE, |path| remove(path, which)).unwrap();
    let without_hq = removed("hq");
    assert!(!without_hq.contains("Headquarters") && !without_hq.contains("db1"), "{without_hq}");
    assert!(without_hq.contains("# --- servers ---") && without_hq.contains("[connections.branch]"), "{without_hq}");
    let without_branch = removed("branch");
    assert!(FILE.starts_with(without_branch.split("# the end").next().unwrap().trim_end()), "{without_branch}");
    assert!(without_branch.ends_with("# the end\n"), "{without_branch}");
    let only = "version = 1\n\n# about all\n\n[connections.a]\nurl = 'b.db'\n";
    let none = edited(only, |path| remove(path, "a")).unwrap();
    assert!(none.contains("# about all") && !none.contains("connections"), "{none}");
}

#[test]
fn what_cannot_be_is_refused() {
    let code = |done: Result<String>| done.unwrap_err().code();
    let hq = NewConnection { name: name("hq"), ..new("a.db", false) };
    assert_eq!(code(edited(FILE, |path| add(path, &hq))), Code::ConnectionExists);
    for wrong in ["", "nowhere", "env:HQ", "connection:hq", "postgres:x", "${env:}", "a\0.db", "sqlite:a.db?vfs=x"] {
        assert_eq!(code(edited(FILE, |path| add(path, &new(wrong, false)))), Code::ConnectionInvalid, "{wrong}");
        assert_eq!(code(changed(FILE, "hq", url(wrong))), Code::ConnectionInvalid, "{wrong}");
    }
    assert_eq!(code(changed(FILE, "nobody", protected(true))), Code::ConnectionUnknown);
    assert_eq!(code(edited(FILE, |path| remove(path, "nobody"))), Code::ConnectionUnknown);
    let taken = ConnectionChange { name: Some(name("branch")), ..ConnectionChange::default() };
    assert_eq!(code(changed(FILE, "hq", taken)), Code::ConnectionExists);
    assert_eq!(code(edited("version = 1\nx = 1\n", |path| add(path, &new("a.db", false)))), Code::ConfigInvalid);
}

#[test]
fn a_url_is_written_so_that_it_is_read_again() {
    for odd in [
        "sqlite:a\"b\\c'd.db",
        "sqlite:\u{1b}[2J.db",
        "sqlite:ä 漢.db",
        "sqlite:a\nb.db",
        "sqlite:$${x}.db",
        "sqlite:'''\"\"\".db",
    ] {
        let text = edited(FILE, |path| add(path, &new(odd, false))).unwrap();
        let after = check(text.as_bytes(), Path::new("/"));
        assert_eq!(after.connections.last().unwrap().url, understood(odd, Path::new("/")).unwrap(), "{text}");
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}
