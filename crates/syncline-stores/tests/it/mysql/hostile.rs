//! A server that asks for what it has no right to.

use std::sync::{Arc, Mutex};

use syncline_core::error::Code;
use syncline_stores::mysql::{ConnectOptions, connect};
use syncline_stores::server::{Host, TlsMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What stands in the file that the server asks for.
const SECRET: &str = "the secret of this machine";

/// A server that lets everybody in, and answers each statement by asking for a file of the client's.
async fn asking_for(file: String) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (file, kept) = (file.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                let _ = serve(client, &file, &kept).await;
            });
        }
    });
    (port, received)
}

async fn serve(mut client: TcpStream, file: &str, kept: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut greeting = b"\x0a10.11.0-MariaDB\0\x01\0\0\0abcdefgh\0".to_vec();
    // All that old servers can do, but for TLS; UTF-8; and more to say.
    greeting.extend_from_slice(&[0xff, 0xf7, 45, 2, 0, 0x3f, 0x00, 21]);
    greeting.extend_from_slice(&[0; 10]);
    greeting.extend_from_slice(b"ijklmnopqrst\0mysql_native_password\0");
    write(&mut client, 0, &greeting).await?;
    read(&mut client).await?;
    write(&mut client, 2, &[0, 0, 0, 2, 0, 0, 0]).await?;
    loop {
        let (_, statement) = read(&mut client).await?;
        if statement.first() == Some(&1) {
            return Ok(());
        }
        let mut request = vec![0xfb];
        request.extend_from_slice(file.as_bytes());
        write(&mut client, 1, &request).await?;
        loop {
            let (number, part) = read(&mut client).await?;
            kept.lock().unwrap().extend_from_slice(&part);
            if part.is_empty() {
                write(&mut client, number + 1, &[0, 0, 0, 2, 0, 0, 0]).await?;
                break;
            }
        }
    }
}

async fn write(client: &mut TcpStream, number: u8, payload: &[u8]) -> std::io::Result<()> {
    let length = (payload.len() as u32).to_le_bytes();
    client.write_all(&[length[0], length[1], length[2], number]).await?;
    client.write_all(payload).await
}

async fn read(client: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let mut header = [0; 4];
    client.read_exact(&mut header).await?;
    let mut payload = vec![0; u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize];
    client.read_exact(&mut payload).await?;
    Ok((header[3], payload))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_gets_no_file_it_asks_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, SECRET).unwrap();
    for file in [path.display().to_string(), "syncline-1".to_owned(), String::new()] {
        let (port, received) = asking_for(file.clone()).await;
        let options = ConnectOptions {
            host: Host::Name("127.0.0.1".to_owned()),
            port,
            tls: TlsMode::Disable,
            ..super::options(syncline_testkit::mariadb::Server::shared())
        };
        let error = connect(&options).await.err().expect("no answer to what was asked");
        assert_eq!(error.code(), Code::StoreFailed, "{file}: {error:?}");
        assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
        assert_eq!(String::from_utf8_lossy(&received.lock().unwrap()), "", "{file}");
    }
}
