//! What a test may ask of a server of its own.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::Cluster;
use crate::server::{Programs, certificate};

/// How a server of a test's own is set up. The default is PostgreSQL's own, durable.
#[derive(Clone, Debug, Default)]
pub struct Options {
    settings: Vec<(String, String)>,
    hba: Vec<String>,
    tls: Option<Vec<String>>,
}

impl Options {
    /// With a line of `postgresql.conf`.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a line of `pg_hba.conf` before the others: it decides who may connect, and how.
    pub fn hba(mut self, line: &str) -> Self {
        self.hba.push(line.to_owned());
        self
    }

    /// Without waiting for the disk: a killed server loses nothing, a machine that fails does. It starts seconds faster
    /// after a kill, for it does not first write out every file it has.
    pub fn without_fsync(self) -> Self {
        // `synchronous_commit` stays: what is committed has to leave the server's own memory.
        ["fsync", "full_page_writes"].into_iter().fold(self, |all, name| all.setting(name, "off"))
    }

    /// With TLS for who asks for it, by a certificate for `names`: DNS names or addresses, such as `127.0.0.1`. To
    /// demand it, put `hostnossl all all all reject` into [`Options::hba`].
    pub fn tls(mut self, names: &[&str]) -> Self {
        self.tls = Some(names.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start(self) -> Cluster {
        Cluster::start_with(&self)
    }

    /// Writes what the server reads as it starts.
    pub(super) fn write(&self, programs: &Programs, directory: &Path) {
        let data = directory.join("data");
        let mut configuration = File::options().append(true).open(data.join("postgresql.conf")).unwrap();
        let fixed = [
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", &*directory.to_string_lossy()),
            ("max_connections", "200"),
            // Tests read the log.
            ("lc_messages", "C"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (name, value) in fixed.iter().chain(&self.settings) {
            writeln!(configuration, "{name} = '{}'", value.replace('\'', "''")).unwrap();
        }
        if let Some(names) = &self.tls {
            certificate::write(programs, directory, names);
            writeln!(configuration, "{}", tls(directory)).unwrap();
        }
        if !self.hba.is_empty() {
            let file = data.join("pg_hba.conf");
            let rest = std::fs::read_to_string(&file).unwrap();
            programs.write_private(&file, &format!("{}\n{rest}", self.hba.join("\n")));
        }
    }
}

/// The lines of `postgresql.conf` that put the certificate to use.
fn tls(directory: &Path) -> String {
    let file = |name: &str| directory.join(name).display().to_string();
    let (certificate, key) = (file(certificate::CERTIFICATE), file(certificate::KEY));
    format!("ssl = on\nssl_cert_file = '{certificate}'\nssl_key_file = '{key}'")
}
