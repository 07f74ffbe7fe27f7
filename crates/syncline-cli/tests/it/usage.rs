//! What all commands share: help, usage errors, exit codes, the environment.

use crate::scene::Scene;

#[test]
fn help_offers_what_works_and_nothing_else() {
    let scene = Scene::new();
    let help = scene.ok("--help");
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let offered = [
        "demo",
        "diff",
        "copy",
        "mirror",
        "verify",
        "plan",
        "apply",
        "undo",
        "backup",
        "restore",
        "track",
        "untrack",
        "status",
        "doctor",
        "init",
        "conn",
        "config",
        "runs",
        "conflicts",
        "explain",
        "completions",
        "man",
        "help",
    ];
    assert_eq!(commands, offered);
    for later in ["sync ", "--server", "watch "] {
        for command in ["", "copy ", "mirror ", "diff ", "verify ", "undo "] {
            let help = scene.ok(&format!("{command}--help"));
            assert!(!help.contains(&format!("  {later}")), "{command} offers {later}");
        }
    }
}

#[test]
fn flags_of_a_run_are_those_of_this_milestone() {
    let help = Scene::new().ok("mirror -h");
    let flags: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Flags of a run:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next().filter(|word| word.starts_with("--")))
        .collect();
    let offered = [
        "--tables",
        "--where",
        "--columns",
        "--rename",
        "--mask",
        "--misfit",
        "--strategy",
        "--cursor",
        "--truncate-target",
        "--schema",
        "--no-create",
        "--batch-size",
        "--jobs",
        "--rate",
        "--max-delete",
        "--allow-empty-source",
        "--no-verify",
        "--no-undo",
        "--backup",
        "--dry-run",
        "--watch",
        "--once",
        "--conflicts-ok",
    ];
    assert_eq!(flags, offered);
}

#[test]
fn usage_errors_have_four_parts_and_exit_with_2() {
    let scene = Scene::new();
    let said = scene.run("mirror a.db b.db --max-deletes 3");
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    let expected = "\
error[USAGE_INVALID]: unexpected argument '--max-deletes' found
  why    a similar argument exists: '--max-delete'
  state  nothing was changed
  next   syncline mirror --max-delete <N|P%> <SOURCE> <TARGET>
         syncline --help     lists commands and flags
";
    assert_eq!(said.err, expected);
    let said = scene.run("mirror a.db --json");
    assert_eq!((said.code, said.err.as_str()), (Some(2), ""));
    assert!(said.out.starts_with(r#"{"format":1,"type":"error","code":"USAGE_INVALID","what":"#), "{}", said.out);
    assert_eq!(scene.command(&[]).output().unwrap().status.code(), Some(2));
}

#[test]
fn an_unreadable_argument_is_shown_harmless() {
    let said = crate::scene::Said::from(Scene::new().command(&["--x\x1b[2J"]).output().unwrap());
    assert_eq!(said.code, Some(2));
    assert!(!said.err.contains('\x1b'), "{:?}", said.err);
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let scene = Scene::new();
    let shown = |args: &[&str], env: &[(&str, &str)]| {
        let output = scene.command(args).envs(env.iter().copied()).output().unwrap();
        String::from_utf8(output.stderr).unwrap().contains('\x1b')
    };
    let (plain, always, never) =
        (["explain", "x"], ["explain", "x", "--color", "always"], ["explain", "x", "--color", "never"]);
    assert!(!shown(&plain, &[]));
    assert!(shown(&always, &[]));
    assert!(shown(&always, &[("NO_COLOR", "1")]));
    assert!(shown(&plain, &[("CLICOLOR_FORCE", "1")]));
    assert!(shown(&plain, &[("SYNCLINE_COLOR", "always")]));
    assert!(!shown(&plain, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!shown(&never, &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn a_state_directory_chosen_by_flag_is_part_of_the_hints() {
    let scene = Scene::with_demo();
    let pair = "syncline-demo/hq.db syncline-demo/branch.db";
    let shown = scene.ok(&format!("mirror {pair} --state-dir elsewhere"));
    assert!(shown.trim_end().ends_with("--state-dir elsewhere"), "{shown}");
    assert!(scene.path("elsewhere").is_dir() && !scene.path("state").exists());
    let said = scene.run("undo r_nothing --state-dir elsewhere");
    assert!(said.err.contains("  next   syncline runs list --state-dir elsewhere "), "{}", said.err);
    let last = scene.run("undo r_nothing --json --state-dir elsewhere").last();
    assert_eq!(last["next"][0]["action"], "syncline runs list --state-dir elsewhere");
    let said = scene.run("undo r_nothing");
    assert!(
        said.err.contains("  next   syncline runs list  "),
        "a variable is set for the next command, too: {}",
        said.err
    );
}

#[test]
fn messages_can_be_json_lines() {
    let said = Scene::new().run("explain x --log-format json");
    let message: serde_json::Value = serde_json::from_str(said.err.trim()).unwrap();
    assert_eq!((message["type"].as_str(), message["code"].as_str()), (Some("error"), Some("USAGE_INVALID")));
}

#[test]
fn the_version_is_told() {
    assert_eq!(Scene::new().ok("--version"), format!("syncline {}\n", env!("CARGO_PKG_VERSION")));
}
