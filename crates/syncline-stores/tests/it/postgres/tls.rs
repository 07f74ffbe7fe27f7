//! Whom a connection trusts.

use syncline_core::error::{Code, Error};
use syncline_stores::postgres::{ConnectOptions, Connection, connect};
use syncline_stores::server::{Host, Roots, TlsMode};
use syncline_testkit::postgres::{Cluster, Options, Stop};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::options;

/// Makes an authority, a certificate of it for `localhost`, and another authority, in the server's directory and as the
/// server's user.
const CERTIFICATES: &str = "COPY (SELECT 1) TO PROGRAM $script$
    set -e; exec >/dev/null 2>&1; cat
    new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650'
    for ca in ca other; do openssl req -x509 $new -keyout $ca.key -out $ca.pem -subj /CN=$ca; done
    openssl req $new -keyout server.key -out server.csr -subj /CN=server
    echo subjectAltName=DNS:localhost >server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile server.ext -out server.crt
    chmod 600 server.key
$script$";

/// A server's certificate that it has signed itself, as an authority, for `localhost`.
const SELF_SIGNED: &str = "COPY (SELECT 1) TO PROGRAM $script$
    set -e; exec >/dev/null 2>&1; cat
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -keyout server.key -out server.crt \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost
    chmod 600 server.key
$script$";

fn with_tls(options: Options) -> Cluster {
    let cluster = options.without_fsync().start();
    cluster.psql("postgres", CERTIFICATES);
    cluster.psql("postgres", "ALTER SYSTEM SET ssl = on");
    cluster.restart(Stop::Fast);
    cluster
}

fn by(cluster: &Cluster, host: &str, tls: TlsMode, roots: Option<&str>) -> ConnectOptions {
    let roots = roots.map(|name| Roots::File(cluster.data().join(name)));
    ConnectOptions { host: Host::Name(host.to_owned()), tls, roots, ..options(cluster) }
}

async fn is_encrypted(connection: &Connection) -> bool {
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    connection.client.query_one(query, &[]).await.unwrap().get(0)
}

#[track_caller]
fn unsafe_way(result: Result<Connection, Error>, word: &str) {
    let Err(error) = result else { panic!("it was trusted") };
    assert_eq!((error.code(), error.code().exit()), (Code::TlsFailed, 5), "{error:?}");
    assert!(format!("{error:?}").contains(word), "{error:?}");
}

#[tokio::test]
async fn a_server_is_trusted_as_far_as_was_asked_for() {
    let cluster = with_tls(Options::default());
    let way = |host, tls, roots| by(&cluster, host, tls, roots);
    let (ca, other) = (Some("ca.pem"), Some("other.pem"));
    for (options, encrypted) in [
        (way("localhost", TlsMode::VerifyFull, ca), true),
        (way("localhost", TlsMode::VerifyCa, ca), true),
        (way("127.0.0.1", TlsMode::VerifyCa, ca), true),
        (way("127.0.0.1", TlsMode::Require, ca), true),
        (way("127.0.0.1", TlsMode::Require, None), true),
        (way("127.0.0.1", TlsMode::Prefer, other), true),
        (way("127.0.0.1", TlsMode::Allow, None), false),
        (way("127.0.0.1", TlsMode::Disable, None), false),
    ] {
        let connection = connect(&options).await.unwrap();
        assert_eq!(is_encrypted(&connection).await, encrypted, "{options:?}");
    }
    unsafe_way(connect(&way("127.0.0.1", TlsMode::VerifyFull, ca)).await, "not valid for name");
    for tls in [TlsMode::VerifyFull, TlsMode::VerifyCa, TlsMode::Require] {
        unsafe_way(connect(&way("localhost", tls, other)).await, "invalid peer certificate");
        unsafe_way(connect(&way("127.0.0.1", tls, other)).await, "invalid peer certificate");
    }
    // The authorities of the system do not know ours.
    unsafe_way(connect(&way("localhost", TlsMode::VerifyFull, None)).await, "UnknownIssuer");
    let system = ConnectOptions { roots: Some(Roots::System), ..way("localhost", TlsMode::VerifyFull, None) };
    unsafe_way(connect(&system).await, "UnknownIssuer");
    for missing in ["missing.pem", "server.ext"] {
        let error = connect(&way("localhost", TlsMode::VerifyFull, Some(missing))).await.err().unwrap();
        assert_eq!(error.code(), Code::UsageInvalid, "{error:?}");
        assert!(error.why().is_some_and(|why| why.contains(missing)), "{error:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_signs_itself_is_trusted_where_it_is_named() {
    let cluster = with_tls(Options::default());
    cluster.psql("postgres", SELF_SIGNED);
    cluster.restart(Stop::Fast);
    let own = Some("server.crt");
    for (host, tls) in
        [("localhost", TlsMode::VerifyFull), ("localhost", TlsMode::VerifyCa), ("127.0.0.1", TlsMode::VerifyCa)]
    {
        assert!(is_encrypted(&connect(&by(&cluster, host, tls, own)).await.unwrap()).await, "{host}, {tls:?}");
    }
    unsafe_way(connect(&by(&cluster, "127.0.0.1", TlsMode::VerifyFull, own)).await, "not valid for name");
    unsafe_way(
        connect(&by(&cluster, "localhost", TlsMode::VerifyFull, Some("ca.pem"))).await,
        "invalid peer certificate",
    );
}

#[tokio::test]
async fn a_server_that_insists_on_tls_is_asked_for_it_or_named() {
    let cluster = with_tls(Options::default().hba("hostnossl all all all reject"));
    unsafe_way(connect(&by(&cluster, "127.0.0.1", TlsMode::Disable, None)).await, "no encryption");
    for tls in [TlsMode::Allow, TlsMode::Prefer, TlsMode::Require] {
        assert!(is_encrypted(&connect(&by(&cluster, "127.0.0.1", tls, None)).await.unwrap()).await, "{tls:?}");
    }
    let insists = Options::default().hba("hostssl all all all reject");
    let cluster = with_tls(insists);
    assert!(!is_encrypted(&connect(&by(&cluster, "127.0.0.1", TlsMode::Prefer, None)).await.unwrap()).await);
    let error = connect(&by(&cluster, "127.0.0.1", TlsMode::Require, None)).await.err().unwrap();
    assert_eq!(error.code(), Code::LoginFailed, "{error:?}");
}

#[tokio::test]
async fn a_server_that_insists_on_tls_is_known_in_any_language() {
    let cluster = with_tls(Options::default().hba("hostnossl all all all reject"));
    let port = translating(cluster.port()).await;
    let through = |password| ConnectOptions { port, password, ..by(&cluster, "127.0.0.1", TlsMode::Disable, None) };
    unsafe_way(connect(&through(options(&cluster).password)).await, "unchiffriert!");
    unsafe_way(connect(&through(None)).await, "unchiffriert!");
    // Who is not let in that way either is no matter of encryption.
    for (hba, has_tls) in [("host all all all reject", true), ("hostnossl all all all reject", false)] {
        let rejects = Options::default().hba(hba);
        let cluster = if has_tls { with_tls(rejects) } else { rejects.without_fsync().start() };
        let port = translating(cluster.port()).await;
        let options = ConnectOptions { port, ..by(&cluster, "127.0.0.1", TlsMode::Disable, None) };
        let error = connect(&options).await.err().unwrap();
        assert_eq!(error.code(), Code::LoginFailed, "{hba}: {error:?}");
    }
}

/// The port of a proxy to the server that puts its words into another language.
async fn translating(server: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
            let ((mut asked, mut told), (mut answers, mut to_server)) = (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut asked, &mut to_server).await });
            tokio::spawn(async move {
                let mut part = vec![0; 64 << 10];
                while let Ok(read @ 1..) = answers.read(&mut part).await {
                    // Of one length, so that nothing else of the message changes.
                    let (theirs, ours) = (b"no encryption", b"unchiffriert!");
                    let found = part[..read].windows(theirs.len()).position(|window| window == theirs);
                    found.into_iter().for_each(|at| part[at..at + ours.len()].copy_from_slice(ours));
                    if told.write_all(&part[..read]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_proxy_cannot_take_the_encryption_away() {
    let cluster = with_tls(Options::default());
    let proxy = stripping(cluster.port()).await;
    let through = |tls, roots| ConnectOptions { port: proxy, ..by(&cluster, "localhost", tls, roots) };
    for (tls, roots) in [
        (TlsMode::Require, None),
        (TlsMode::Require, Some("ca.pem")),
        (TlsMode::VerifyCa, Some("ca.pem")),
        (TlsMode::VerifyFull, Some("ca.pem")),
    ] {
        unsafe_way(connect(&through(tls, roots)).await, "does not support TLS");
    }
    // It works otherwise: what fails above fails because of the encryption.
    assert!(!is_encrypted(&connect(&through(TlsMode::Prefer, None)).await.unwrap()).await);
}

/// The port of a proxy to the server that says of it that it has no TLS.
async fn stripping(server: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 8];
                client.read_exact(&mut request).await?;
                assert_eq!(request[4..], 80_877_103_u32.to_be_bytes(), "a request for TLS comes first");
                client.write_all(b"N").await?;
                let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    port
}
