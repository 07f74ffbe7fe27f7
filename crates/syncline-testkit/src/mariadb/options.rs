//! What a test may ask of a server of its own.

use std::path::Path;

use super::Server;
use super::engine::OPTIONS;
use crate::server::{Programs, certificate};

/// What every server has: an address, and what makes it small and quick to start. Whatever keeps committed rows is as
/// MariaDB has it.
pub(super) const FIXED: [(&str, &str); 19] = [
    ("bind_address", "127.0.0.1"),
    // By TCP nobody is `localhost`, who needs no password.
    ("skip_name_resolve", "1"),
    ("max_connections", "200"),
    ("character_set_server", "utf8mb4"),
    // Tests write values of 100 MB.
    ("max_allowed_packet", "256M"),
    ("innodb_buffer_pool_size", "64M"),
    ("innodb_log_file_size", "16M"),
    ("innodb_temp_data_file_path", "ibtmp1:5M:autoextend"),
    ("innodb_log_buffer_size", "8M"),
    ("innodb_use_native_aio", "0"),
    ("innodb_buffer_pool_load_at_startup", "0"),
    ("innodb_buffer_pool_dump_at_shutdown", "0"),
    ("aria_pagecache_buffer_size", "8M"),
    ("aria_log_file_size", "8M"),
    ("key_buffer_size", "1M"),
    ("thread_cache_size", "32"),
    ("table_open_cache", "1000"),
    ("performance_schema", "0"),
    // Tests read the log.
    ("lc_messages", "en_US"),
];

/// How a server of a test's own is set up. The default is durable.
#[derive(Clone, Debug, Default)]
pub struct Options {
    settings: Vec<(String, String)>,
    tls: Option<Vec<String>>,
}

impl Options {
    /// With a line of `my.cnf`.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without waiting for the disk: a killed server loses nothing, a machine that fails does.
    pub fn without_fsync(self) -> Self {
        // What is committed has to leave the server's own memory.
        let settings = [("innodb_flush_log_at_trx_commit", "2"), ("innodb_doublewrite", "0")];
        settings.into_iter().fold(self.without_waiting(), |all, (name, value)| all.setting(name, value))
    }

    /// With all that makes it durable, and for show: the disk is told nothing.
    pub(super) fn without_waiting(self) -> Self {
        // Definitions have files and a log of their own.
        let settings = [("innodb_flush_method", "nosync"), ("sync_frm", "0"), ("debug_no_sync", "1")];
        settings.into_iter().fold(self, |all, (name, value)| all.setting(name, value))
    }

    /// With TLS for who asks for it, by a certificate for `names`: DNS names or addresses, such as `127.0.0.1`. To
    /// demand it, set `require_secure_transport` to `ON`.
    pub fn tls(mut self, names: &[&str]) -> Self {
        self.tls = Some(names.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    /// When MariaDB is not installed or does not start.
    pub fn start(self) -> Server {
        Server::start_with(&self)
    }

    /// Writes what the server reads as it starts.
    pub(super) fn write(&self, programs: &Programs, directory: &Path) {
        let mut settings = FIXED.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        if let Some(names) = &self.tls {
            certificate::write(programs, directory, names);
            let file = |name: &str| directory.join(name).display().to_string();
            settings.push(("ssl_cert".to_owned(), file(certificate::CERTIFICATE)));
            settings.push(("ssl_key".to_owned(), file(certificate::KEY)));
        }
        settings.extend(self.settings.iter().cloned());
        // Within quotes a backslash begins an escape, and a quote is only the one at the end.
        let line = |(name, value): &(String, String)| format!("{name} = \"{}\"\n", value.replace('\\', "\\\\"));
        let lines: String = settings.iter().map(line).collect();
        programs.write_private(&directory.join(OPTIONS), &format!("[mariadbd]\n{lines}"));
    }
}
