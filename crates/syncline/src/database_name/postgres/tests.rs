use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use syncline_core::error::Code;
use syncline_stores::server::TlsMode;

use super::super::DatabaseName;
use super::*;

fn environment(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

fn parse_in(text: &str, variables: &'static [(&str, &str)]) -> Result<PostgresName> {
    match DatabaseName::parse(text, &environment(variables))? {
        DatabaseName::Postgres(name) => Ok(*name),
        other => panic!("{other:?}"),
    }
}

fn parse(text: &str) -> Result<PostgresName> {
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
    let text = "postgresql://us%65r:pa%3A%40%2Fss@db.example.com:5433/sh%20op?connect_timeout=3&application_name=a%26b&schema=sales";
    let name = parse(text).unwrap();
    assert_eq!(name.schema(), Some("sales"));
    assert_eq!(
        name.options(Path::new("/cwd")),
        ConnectOptions {
            host: Host::Name("db.example.com".to_owned()),
            port: 5433,
            user: "user".to_owned(),
            password: Some(Password::new("pa:@/ss")),
            database: "sh op".to_owned(),
            tls: TlsMode::VerifyFull,
            roots: None,
            connect_timeout: Duration::from_secs(3),
            application_name: "a&b".to_owned(),
        }
    );
    let same = "POSTGRES://?host=db.example.com&user=user&dbname=sh%20op&port=5433&password=pa%3A%40%2Fss\
                &connect_timeout=3&application_name=a%26b&schema=sales";
    assert_eq!(parse(same).unwrap(), name);
}

#[test]
fn missing_parts_are_the_usual_ones() {
    for text in
        ["postgres://", "postgres:///", "postgres://localhost", "postgres://me@:/", "postgres://:@localhost:/me"]
    {
        let found = options(text);
        assert_eq!((found.host, found.port), (Host::Name("localhost".to_owned()), 5432), "{text}");
        assert_eq!((found.user.as_str(), found.database.as_str()), ("me", "me"), "{text}");
        assert_eq!((found.password, found.tls), (None, TlsMode::Prefer), "{text}");
        assert_eq!((found.connect_timeout, found.application_name.as_str()), (limits::CONNECT_TIMEOUT, "syncline"));
    }
    let error = parse_in("postgres://host/db", &[]).unwrap_err();
    assert!(error.why().is_some_and(|why| why.contains("PGUSER")), "{error}");
    assert_eq!(parse_in("postgres://host/db", &[("LOGNAME", "log")]).unwrap().options.user, "log");
}

#[test]
fn hosts_of_every_kind() {
    let host = |text: &str| options(text).host;
    assert_eq!(host("postgres://[::1]:5433/db"), Host::Name("::1".to_owned()));
    assert_eq!(host("postgres://u@[fe80::1%25eth0]"), Host::Name("fe80::1%eth0".to_owned()));
    assert_eq!(host("postgres://?host=::1"), Host::Name("::1".to_owned()));
    let socket = Host::Socket(PathBuf::from("/var/run/pg"));
    assert_eq!(host("postgres://%2Fvar%2Frun%2Fpg:5433/db"), socket);
    assert_eq!(host("postgres:///db?host=/var/run/pg"), socket);
    assert_eq!(host("postgres:///db?host=%2Fvar%2Frun%2Fpg"), socket);
    for several in ["postgres://secret,b/db", "postgres://a:1,b:2/db", "postgres:///db?host=a,b", "postgres://a%2Cb"] {
        fails(several, Code::UrlInvalid, "several hosts");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_without_repeating_it() {
    fails("postgres:secret", Code::UrlInvalid, "two slashes");
    fails("postgres://u:p@secret@host/db", Code::UrlInvalid, "%40");
    fails("postgres://u:secret/more@host/db", Code::UrlInvalid, "%2F");
    fails("postgres://u:secret?secret=more@host/db", Code::UrlInvalid, "%3F");
    fails("postgres://::1/secret", Code::UrlInvalid, "brackets");
    fails("postgres://[::1/secret", Code::UrlInvalid, "bracket");
    fails("postgres://[secret]/db", Code::UrlInvalid, "IPv6");
    fails("postgres://[::1]secret/db", Code::UrlInvalid, "port");
    fails("postgres://u:secret%@host/db", Code::UrlInvalid, "%25");
    fails("postgres://u:secret%00@host/db", Code::UrlInvalid, "NUL");
    fails("postgres://u:secret%ff@host/db", Code::UrlInvalid, "UTF-8");
    fails("postgres://host secret/db", Code::UrlInvalid, "host");
    for port in ["0", "65536", "-1", "x", "secret"] {
        fails(&format!("postgres://host:{port}/db"), Code::UrlInvalid, "65535");
    }
}

#[test]
fn only_known_options_are_let_through() {
    for option in ["options=-cfsync%3Doff", "sslkey=secret", "target_session_attrs=any", "ssl=true", "hostaddr=::1"] {
        let name = option.split('=').next().unwrap();
        fails(&format!("postgres://host/db?{option}"), Code::UrlOption, name);
    }
    fails("postgres://host/db?sslmode=Secret1", Code::UrlOption, "verify-full");
    fails("postgres://host/db?Secret=1&secret2", Code::UrlOption, "an option");
    fails("postgres://host/db?user=a&user=b", Code::UrlOption, "twice");
    fails("postgres://u@host/db?user=secret", Code::UrlOption, "twice");
    for timeout in ["0", "-1", "601", "secret"] {
        fails(&format!("postgres://host/db?connect_timeout={timeout}"), Code::UrlOption, "1 to 600");
    }
}

#[test]
fn the_way_is_protected_unless_it_stays_on_this_machine() {
    let tls = |text: &str| options(text).tls;
    for remote in ["postgres://10.0.0.1", "postgres://db.example.com", "postgres://[2001:db8::1]"] {
        assert_eq!(tls(remote), TlsMode::VerifyFull, "{remote}");
    }
    for local in ["postgres://localhost", "postgres://127.0.0.1", "postgres://[::1]", "postgres://%2Ftmp"] {
        assert_eq!(tls(local), TlsMode::Prefer, "{local}");
    }
    for mode in TlsMode::ALL {
        assert_eq!(tls(&format!("postgres://remote/db?sslmode={}", mode.name())), mode);
    }
    let own = options("postgres://localhost?sslrootcert=ca.pem");
    assert_eq!((own.tls, own.roots), (TlsMode::VerifyFull, Some(Roots::File(PathBuf::from("/cwd/ca.pem")))));
    let system = options("postgres://localhost?sslrootcert=system");
    assert_eq!((system.tls, system.roots), (TlsMode::VerifyFull, Some(Roots::System)));
    fails("postgres://host?sslrootcert=system&sslmode=require", Code::UrlOption, "verify-full");
}

#[test]
fn what_would_lead_other_clients_elsewhere_is_not_left_out_in_silence() {
    const SERVICE: &[(&str, &str)] = &[("PGSERVICE", "shop"), ("USER", "me")];
    const ADDRESS: &[(&str, &str)] = &[("PGHOSTADDR", "10.0.0.1"), ("USER", "me")];
    const OPTIONS: &[(&str, &str)] = &[("PGOPTIONS", "-c role=other"), ("USER", "me")];
    const EMPTY: &[(&str, &str)] = &[("PGSERVICE", ""), ("PGHOSTADDR", ""), ("PGOPTIONS", ""), ("USER", "me")];
    for (variables, text) in [
        (SERVICE, "postgres://"),
        (SERVICE, "postgres://u@h"),
        (ADDRESS, "postgres://u@h/d"),
        (OPTIONS, "postgres://u@h/d"),
    ] {
        let error = parse_in(text, variables).unwrap_err();
        assert!(error.code() == Code::UrlInvalid && error.to_string().contains(variables[0].0), "{error}");
    }
    // A service fills in only what is left open.
    assert!(parse_in("postgres://u@h/d", SERVICE).is_ok());
    assert!(parse_in("postgres://u@h/d", EMPTY).is_ok());
}

#[test]
fn half_a_password_is_no_database() {
    fails("postgres://u:se:c@r/et%41@127.0.0.1:6177/secret", Code::UrlInvalid, "%2F");
    fails("postgres://u:x@secret/y@h", Code::UrlInvalid, "%40");
    fails("postgres://u@h/secret/x", Code::UrlInvalid, "%2F");
}

#[test]
fn the_environment_fills_in_what_is_missing() {
    const ALL: &[(&str, &str)] = &[
        ("PGHOST", "pg.example.com"),
        ("PGPORT", "6000"),
        ("PGUSER", "pguser"),
        ("PGPASSWORD", "pgsecret"),
        ("PGDATABASE", "pgdb"),
        ("PGSSLMODE", "require"),
        ("PGSSLROOTCERT", "/ca.pem"),
        ("PGCONNECT_TIMEOUT", "7"),
        ("PGAPPNAME", "pgapp"),
        ("USER", "me"),
    ];
    let filled = parse_in("postgres://", ALL).unwrap();
    let typed = "postgres://pguser:pgsecret@pg.example.com:6000/pgdb?sslmode=require&sslrootcert=/ca.pem\
                 &connect_timeout=7&application_name=pgapp";
    let typed = parse(typed).unwrap();
    assert_eq!(filled.options, typed.options);
    assert!(typed.shows_password() && !filled.shows_password());
    let own = "postgres://a:b@c:1/d?sslmode=disable&sslrootcert=e&connect_timeout=2&application_name=f";
    assert_eq!(parse_in(own, ALL).unwrap(), parse(own).unwrap(), "what is typed comes first");
    let error = parse_in("postgres://", &[("PGPORT", "secret"), ("USER", "me")]).unwrap_err();
    assert!(error.place().is_some_and(|place| place.contains("PGPORT")), "{error:?}");
}

#[test]
fn a_password_is_hinted_at_and_never_shown() {
    let variables = environment(&[("HQ", "postgres://u:secret@host/db"), ("USER", "me")]);
    for (text, is_hinted) in [
        ("postgres://u:secret@host/db", true),
        ("postgres://host/db?password=secret", true),
        ("postgres://u@host/db", false),
        ("env:HQ", false),
    ] {
        let name = DatabaseName::parse(text, &variables).unwrap();
        assert_eq!(name.hint().is_some(), is_hinted, "{text}");
        let said = format!("{name:?} {} {} {:?}", name.label(), name.absolute(Path::new("/")), name.hint());
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn labels_are_short() {
    let label = |text: &str| DatabaseName::parse(text, &environment(&[("USER", "me")])).unwrap().label();
    assert_eq!(label("postgres://u:p@db.example.com/shop"), "db.example.com/shop");
    assert_eq!(label("postgres://[::1]:5433/shop?schema=sales"), "[::1]:5433/shop?schema=sales");
    assert_eq!(label("postgres://%2Ftmp/a%0Ab"), "[local]/a\\nb");
}

#[test]
fn a_known_password_is_not_looked_for() {
    let lookup = |name: &str| match name {
        "PGPASSFILE" => Some("/".to_owned()),
        _ => None,
    };
    let mut known = parse("postgres://u:secret@host/db").unwrap();
    assert_eq!(known.find_password(&lookup), None);
    let mut unknown = parse("postgres://u@host/db").unwrap();
    assert!(unknown.find_password(&lookup).is_some(), "the file was looked at");
}

proptest! {
    #[test]
    fn an_absolute_name_means_the_same_whatever_the_environment(
        user in "[^\0]{1,8}",
        password in prop::option::of("[^\0]{1,8}"),
        database in "[^\0]{1,8}",
        schema in prop::option::of("[^\0]{1,8}"),
        host in prop::sample::select(vec!["h", "db.example.com", "::1", "fe80::1%eth0", "/run/p q,r", "127.0.0.1"]),
        port in 1u16..,
        mode in prop::option::of(prop::sample::select(TlsMode::ALL.to_vec())),
        roots in prop::option::of("[^\0]{1,8}"),
    ) {
        let encode = |text: &str| percent::encode(text.as_bytes(), b"");
        let mut text = format!("postgres://{}@:{port}/{}?host={}", encode(&user), encode(&database), encode(host));
        for (name, value) in [
            ("password", password),
            ("schema", schema),
            ("sslmode", mode.map(|mode| mode.name().to_owned())),
            ("sslrootcert", roots.filter(|name| name != "system")),
        ] {
            text.extend(value.map(|value| format!("&{name}={}", encode(&value))));
        }
        let named = DatabaseName::parse(&text, &|_| None).unwrap();
        let kept = named.absolute(Path::new("/c w"));
        let hostile: &'static [_] = &[
            ("PGHOST", "elsewhere"), ("PGPORT", "1"), ("PGUSER", "x"), ("PGDATABASE", "x"), ("PGSSLMODE", "disable"),
        ];
        let again = DatabaseName::parse(&kept, &environment(hostile)).unwrap();
        prop_assert_eq!(again.absolute(Path::new("/elsewhere")), kept);
        let (DatabaseName::Postgres(named), DatabaseName::Postgres(again)) = (named, again) else { unreachable!() };
        let mut expected = named.options(Path::new("/c w"));
        expected.password = None;
        prop_assert_eq!(again.options(Path::new("/")), expected);
        prop_assert_eq!(again.schema(), named.schema());
    }

    #[test]
    fn no_text_is_too_odd(text: String) {
        let _ = parse(&format!("postgres://{text}"));
    }
}
