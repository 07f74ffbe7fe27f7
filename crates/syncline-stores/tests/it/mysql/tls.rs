//! Whom a connection trusts.

use std::path::PathBuf;

use syncline_core::error::{Code, Error};
use syncline_stores::mysql::{ConnectOptions, Connection, connect};
use syncline_stores::server::{Host, Password, Roots, TlsMode};
use syncline_testkit::mariadb::{Options, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::options;

fn with_tls(options: Options, names: &[&str]) -> Server {
    let server = options.without_fsync().tls(names).start();
    server.mariadb("", "CREATE USER safe IDENTIFIED BY 'x' REQUIRE SSL; GRANT SELECT ON *.* TO safe");
    server
}

fn by(server: &Server, host: &str, tls: TlsMode, roots: Option<PathBuf>) -> ConnectOptions {
    ConnectOptions { host: Host::Name(host.to_owned()), tls, roots: roots.map(Roots::File), ..options(server) }
}

/// Whether a way is encrypted: only then a user is let in who asks for it.
async fn is_encrypted(way: &ConnectOptions) -> bool {
    connect(way).await.unwrap();
    let safe = ConnectOptions { user: "safe".to_owned(), password: Some(Password::new("x")), ..way.clone() };
    connect(&safe).await.is_ok()
}

#[track_caller]
fn unsafe_way(result: Result<Connection, Error>, word: &str) {
    let Err(error) = result else { panic!("it was trusted") };
    assert_eq!((error.code(), error.code().exit()), (Code::TlsFailed, 5), "{error:?}");
    assert!(format!("{error:?}").contains(word), "{error:?}");
}

#[tokio::test]
async fn a_server_is_trusted_as_far_as_was_asked_for() {
    let server = with_tls(Options::default(), &["localhost"]);
    let stranger = Options::default().without_fsync().tls(&["localhost"]).start();
    let way = |host, tls, roots| by(&server, host, tls, roots);
    let (ca, other) = (|| Some(server.authority()), || Some(stranger.authority()));
    for (options, encrypted) in [
        (way("localhost", TlsMode::VerifyFull, ca()), true),
        (way("localhost", TlsMode::VerifyCa, ca()), true),
        (way("127.0.0.1", TlsMode::VerifyCa, ca()), true),
        (way("127.0.0.1", TlsMode::Require, ca()), true),
        (way("127.0.0.1", TlsMode::Require, None), true),
        (way("127.0.0.1", TlsMode::Prefer, other()), true),
        (way("127.0.0.1", TlsMode::Disable, None), false),
    ] {
        assert_eq!(is_encrypted(&options).await, encrypted, "{options:?}");
    }
    unsafe_way(connect(&way("127.0.0.1", TlsMode::VerifyFull, ca())).await, "not valid for name");
    for tls in [TlsMode::VerifyFull, TlsMode::VerifyCa, TlsMode::Require] {
        unsafe_way(connect(&way("localhost", tls, other())).await, "invalid peer certificate");
        unsafe_way(connect(&way("127.0.0.1", tls, other())).await, "invalid peer certificate");
    }
    // The authorities of the system do not know ours.
    unsafe_way(connect(&way("localhost", TlsMode::VerifyFull, None)).await, "UnknownIssuer");
    let system = ConnectOptions { roots: Some(Roots::System), ..way("localhost", TlsMode::VerifyFull, None) };
    unsafe_way(connect(&system).await, "UnknownIssuer");
    for missing in [server.data().join("missing.pem"), server.data().join("ibdata1")] {
        let error = connect(&way("localhost", TlsMode::VerifyFull, Some(missing))).await.err().unwrap();
        assert_eq!(error.code(), Code::UsageInvalid, "{error:?}");
    }
    // A socket leads to a server of this machine.
    let host = Host::Socket(server.socket());
    let socket = ConnectOptions { host, password: None, ..way("", TlsMode::VerifyFull, None) };
    connect(&socket).await.unwrap();
}

#[tokio::test]
async fn a_server_that_insists_on_tls_is_asked_for_it_or_named() {
    let server = with_tls(Options::default().setting("require_secure_transport", "ON"), &["localhost"]);
    let error = connect(&by(&server, "127.0.0.1", TlsMode::Disable, None)).await.err().unwrap();
    // MariaDB does not say why.
    assert!(matches!(error.code(), Code::TlsFailed | Code::LoginFailed), "{error:?}");
    assert!(error.next_steps().iter().any(|step| step.action.contains("ssl-mode=")), "{error:?}");
    for tls in [TlsMode::Allow, TlsMode::Prefer, TlsMode::Require] {
        assert!(is_encrypted(&by(&server, "127.0.0.1", tls, None)).await, "{tls:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_used_only_where_that_is_let_pass() {
    let server = Options::default().without_fsync().start();
    for tls in [TlsMode::Allow, TlsMode::Prefer, TlsMode::Disable] {
        connect(&by(&server, "127.0.0.1", tls, None)).await.unwrap();
    }
    for tls in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let error = connect(&by(&server, "127.0.0.1", tls, None)).await.err().unwrap();
        assert_eq!(error.code(), Code::TlsFailed, "{error:?}");
        assert!(error.next_steps().iter().any(|step| step.action.contains("ssl-mode=DISABLED")), "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_cannot_take_the_encryption_away() {
    let server = with_tls(Options::default(), &["localhost"]);
    let proxy = stripping(server.port()).await;
    let through = |tls, roots| ConnectOptions { port: proxy, ..by(&server, "localhost", tls, roots) };
    let ca = || Some(server.authority());
    for (tls, roots) in
        [(TlsMode::Require, None), (TlsMode::Require, ca()), (TlsMode::VerifyCa, ca()), (TlsMode::VerifyFull, ca())]
    {
        unsafe_way(
            connect(&through(tls, roots)).await,
            "Client asked for SSL but server does not have this capability",
        );
    }
    // It works otherwise: what fails above fails because of the encryption.
    assert!(!is_encrypted(&through(TlsMode::Prefer, None)).await);
}

/// The port of a proxy to the server that says of it that it has no TLS.
async fn stripping(server: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
                let mut header = [0; 4];
                server.read_exact(&mut header).await?;
                let mut greeting = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8];
                server.read_exact(&mut greeting).await?;
                // Behind the version's text: a number, eight bytes of a challenge, an end; then what the server can do.
                let version = greeting.iter().position(|byte| *byte == 0).unwrap();
                let flags = version + 1 + 4 + 8 + 1;
                assert_eq!(greeting[flags + 1] & 0x08, 0x08, "the server has TLS");
                greeting[flags + 1] &= !0x08;
                client.write_all(&header).await?;
                client.write_all(&greeting).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    port
}
