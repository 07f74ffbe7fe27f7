//! The data directory that every cluster begins with.

use std::path::Path;

use super::engine::ENGINE;
use super::{PASSWORD, SUPERUSER};
use crate::server::{Programs, template};

/// By the socket everybody may come as anybody; by TCP a password is needed, as from a server elsewhere.
const HBA: &str = "\
local all all trust
local replication all trust
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
";

const ARGS: [&str; 5] =
    ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-instructions"];

/// Makes `data` a new data directory.
pub(super) fn copy(programs: &Programs, data: &Path) {
    let told = (ARGS, HBA, SUPERUSER, PASSWORD);
    template::copy(&ENGINE, programs, told, |making| initdb(programs, making), data);
}

fn initdb(programs: &Programs, making: &Path) {
    let (data, password) = (making.join("data"), making.join("password"));
    programs.write_private(&password, PASSWORD);
    let mut command = programs.command(&programs.file("initdb"), ARGS, making);
    command.arg("--username").arg(SUPERUSER).arg("--pwfile").arg(&password).arg("--pgdata").arg(&data);
    template::run(command);
    programs.write_private(&data.join("pg_hba.conf"), HBA);
}
