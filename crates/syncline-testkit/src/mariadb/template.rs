//! The data directory that every server begins with.

use std::path::Path;

use super::engine::ENGINE;
use super::options::FIXED;
use super::programs::INSTALL;
use super::{PASSWORD, SUPERUSER};
use crate::server::{Programs, template};

const ARGS: [&str; 4] =
    ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"];

/// By the socket the superuser needs no password, which the data directory begins with; by TCP everyone needs one, as from
/// a server elsewhere.
const ACCOUNTS: &str = "\
DELETE FROM mysql.global_priv WHERE Host <> 'localhost' OR User = '';
INSERT INTO mysql.global_priv (Host, User, Priv) VALUES ('%', '{user}', json_object(
    'access', 18446744073709551615,
    'plugin', 'mysql_native_password',
    'authentication_string', password('{password}')));
";

/// Makes `data` a new data directory.
pub(super) fn copy(programs: &Programs, data: &Path) {
    let told = (ARGS, ACCOUNTS, SUPERUSER, PASSWORD, FIXED);
    template::copy(&ENGINE, programs, told, |making| install(programs, making), data);
}

fn install(programs: &Programs, making: &Path) {
    let accounts = making.join("accounts.sql");
    programs.write_private(&accounts, &ACCOUNTS.replace("{user}", SUPERUSER).replace("{password}", PASSWORD));
    let mut command = programs.command(&programs.file(INSTALL), ARGS, making);
    command.arg(format!("--datadir={}", making.join("data").display()));
    command.arg(format!("--extra-file={}", accounts.display()));
    // The log has the size from the beginning that servers want it to have.
    let sizes = FIXED.iter().filter(|(name, _)| name.ends_with("_log_file_size") || *name == "innodb_use_native_aio");
    command.args(sizes.map(|(name, value)| format!("--{name}={value}")));
    template::run(command);
}
