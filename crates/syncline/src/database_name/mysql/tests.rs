use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use syncline_core::error::Code;
use syncline_stores::server::{Password, TlsMode};

use super::super::DatabaseName;
use super::*;

fn environment(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

fn parse_in(text: &str, variables: &'static [(&str, &str)]) -> Result<MysqlName> {
    match DatabaseName::parse(text, &environment(variables))? {
        DatabaseName::Mysql(name) => Ok(*name),
        other => panic!("{other:?}"),
    }
}

fn parse(text: &str) -> Result<MysqlName> {
    parse_in(text, &[("USER", "me")])
}

fn options(text: &str) -> ConnectOptions {
    parse(text).unwrap().options(Path::new("/cwd"))
}

#[track_caller]
fn fails(text: &str, code: Code, word: &str) {
    let error = parse(text).unwrap_err();
    let said = format!("{error} {:?} {:?}", error.place(), error.next_steps());
    assert_eq!(error.code(), code, "{text:?}: {said}");
    assert!(said.contains(word), "{text:?}: {said}");
    assert!(!said.contains("secret"), "{text:?}: {said}");
}

#[test]
fn every_part_has_its_place() {
    let text =
        "mariadb://us%65r:pa%3A%40%2Fss@db.example.com:3307/sh%20op?connect_timeout=3&ssl-mode=verify_ca&ssl-ca=ca.pem";
    assert_eq!(
        options(text),
        ConnectOptions {
            host: Host::Name("db.example.com".to_owned()),
            port: 3307,
            user: "user".to_owned(),
            password: Some(Password::new("pa:@/ss")),
            database: "sh op".to_owned(),
            tls: TlsMode::VerifyCa,
            roots: Some(Roots::File(PathBuf::from("/cwd/ca.pem"))),
            connect_timeout: Duration::from_secs(3),
            program_name: PROGRAM.to_owned(),
        }
    );
    let same = "MYSQL://?host=db.example.com&user=user&database=sh%20op&port=3307&password=pa%3A%40%2Fss\
                &connect_timeout=3&ssl-mode=VERIFY_CA&ssl-ca=ca.pem";
    assert_eq!(parse(same).unwrap(), parse(text).unwrap());
}

#[test]
fn a_way_off_this_machine_is_checked_unless_somebody_says_otherwise() {
    assert_eq!(options("mysql://u@db.example.com/d").tls, TlsMode::VerifyFull);
    assert_eq!(options("mysql://u@127.0.0.1/d").tls, TlsMode::Prefer);
    assert_eq!(options("mysql://u@127.0.0.1/d?ssl-ca=ca.pem").tls, TlsMode::VerifyFull);
    assert_eq!(options("mysql://u@db.example.com/d?ssl-mode=disabled").tls, TlsMode::Disable);
}

#[test]
fn a_host_that_is_typed_goes_before_a_socket_that_is_not() {
    const SOCKET: &[(&str, &str)] = &[("USER", "me"), ("MYSQL_UNIX_PORT", "/run/a.sock")];
    let host = |text: &str| parse_in(text, SOCKET).unwrap().options(Path::new("/")).host;
    assert_eq!(host("mysql:///d"), Host::Socket("/run/a.sock".into()));
    assert_eq!(host("mysql://h/d"), Host::Name("h".to_owned()));
    assert_eq!(host("mysql://h/d?socket=/b.sock"), Host::Socket("/b.sock".into()));
    assert_eq!(host("mysql://%2Fc.sock/d"), Host::Socket("/c.sock".into()));
}

#[test]
fn what_is_left_away_comes_from_the_variables_of_the_clients() {
    const ALL: &[(&str, &str)] =
        &[("USER", "me"), ("MYSQL_HOST", "h"), ("MYSQL_TCP_PORT", "3310"), ("MYSQL_PWD", "secret")];
    let found = parse_in("mysql:///d", ALL).unwrap().options(Path::new("/"));
    assert_eq!((found.host, found.port, found.user), (Host::Name("h".to_owned()), 3310, "me".to_owned()));
    assert_eq!(found.password, Some(Password::new("secret")));
}

#[test]
fn what_names_no_database_says_why() {
    fails("mysql:h/d", Code::UrlInvalid, "two slashes");
    fails("mysql://u:secret@h", Code::UrlInvalid, "names no database");
    fails("mysql://u:secret@h:0/d", Code::UrlInvalid, "port");
    fails("mysql://u:secret@a,b/d", Code::UrlInvalid, "several hosts");
    fails("mysql://u:secret@h/d?ssl-mode=secret", Code::UrlOption, "VERIFY_IDENTITY");
    fails("mysql://u@h/d?init-command=x", Code::UrlOption, "init-command");
    fails("mysql://u@h/d?local-infile=1", Code::UrlOption, "not allowed");
    fails("mysql://u@h/d?user=v", Code::UrlOption, "given twice");
    fails("mysql://h/d?connect_timeout=0", Code::UrlOption, "connect_timeout");
}

#[test]
fn passwords_are_not_written_down() {
    let name = parse("mysql://u:secret@h:3306/d?ssl-mode=REQUIRED").unwrap();
    assert!(name.shows_password());
    assert_eq!(name.label(), "h/d");
    assert_eq!(name.write(Path::new("/")), "mysql://u@h:3306/d?ssl-mode=REQUIRED");
    assert_eq!(DatabaseName::without_password("mariadb://u:secret@h/d"), "mariadb://u@h/d");
    const VARIABLE: &[(&str, &str)] = &[("USER", "me"), ("DB", "mysql://u:secret@h/d")];
    let DatabaseName::Mysql(name) = DatabaseName::parse("env:DB", &environment(VARIABLE)).unwrap() else { panic!() };
    assert_eq!((name.write(Path::new("/")), name.shows_password()), ("env:DB".to_owned(), false));
}

proptest! {
    #[test]
    fn a_name_that_is_written_is_read_as_the_same(
        host in "[a-z0-9.]{1,8}|::1|/[a-z/]{1,8}",
        user in "[^\0]{1,6}",
        database in "[^\0]{1,6}",
        port in 1..=u16::MAX,
        mode in 0..5_usize,
        ca in proptest::option::of("/[a-z &%]{1,6}"),
    ) {
        let modes = [TlsMode::Disable, TlsMode::Prefer, TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull];
        let is_socket = host.starts_with('/');
        let options = ConnectOptions {
            host: if is_socket { Host::Socket(host.into()) } else { Host::Name(host) },
            port: if is_socket { ConnectOptions::USUAL_PORT } else { port },
            user,
            password: None,
            database,
            tls: modes[mode],
            roots: ca.map(|path| Roots::File(path.into())),
            connect_timeout: limits::CONNECT_TIMEOUT,
            program_name: PROGRAM.to_owned(),
        };
        let name = MysqlName { options, warning: None, holds_password: Holds::None };
        let written = name.write(Path::new("/cwd"));
        prop_assert_eq!(parse(&written).unwrap(), name, "{}", written);
    }
}
