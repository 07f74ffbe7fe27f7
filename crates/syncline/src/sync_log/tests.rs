use std::fs;
use std::thread;

use syncline_core::limits;

use super::*;

#[test]
fn a_line_says_when_how_much_it_matters_and_what() {
    let line = Line("sync_error".to_owned()).with("run", &"r_1").with("what", &"two\nlines, \"quoted\" = 1");
    assert_eq!(
        text(1_795_448_401_123, LogLevel::Warn, &line),
        "2026-11-23T15:40:01.123Z WARN  sync_error run=\"r_1\" what=\"two\\nlines, \\\"quoted\\\" = 1\"\n"
    );
}

#[test]
fn who_write_side_by_side_lose_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: usize| {
        for number in 0..200 {
            file::append(dir.path(), &format!("{name} {number}\n")).unwrap();
        }
    };
    thread::scope(|scope| (0..4).for_each(|name| drop(scope.spawn(move || write(name)))));
    let text = fs::read_to_string(file::path(dir.path())).unwrap();
    for name in 0..4 {
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with(&format!("{name} "))).collect();
        assert_eq!(lines, (0..200).map(|number| format!("{name} {number}")).collect::<Vec<_>>());
    }
}

#[test]
fn a_full_log_is_turned_over_and_the_oldest_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = file::path(dir.path());
    for number in 0..=limits::SYNC_LOGS_KEPT + 1 {
        file::append(dir.path(), &format!("{number}\n")).unwrap();
        let full = fs::OpenOptions::new().append(true).open(&path).unwrap();
        full.set_len(limits::SYNC_LOG_BYTES).unwrap();
    }
    file::append(dir.path(), "last\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "last\n");
    let names = fs::read_dir(path.parent().unwrap()).unwrap();
    assert_eq!(names.count(), 1 + limits::SYNC_LOGS_KEPT as usize);
    assert!(fs::read_to_string(path.with_file_name("synchronization.log.1")).unwrap().starts_with('6'));
}
