//! How columns of this engine take values.

use syncline_core::change::TableTask;

use crate::fitted::Fitter;
use crate::mysql::connect::{Product, Version};

/// Gives values the form in which these columns of a table hold them.
pub(in crate::mysql) fn fitter(task: &TableTask, columns: &[usize]) -> Fitter {
    // MariaDB keeps a zero without its sign.
    let has_one_zero = Version::parse(&task.table.server).product == Product::MariaDb;
    Fitter::of(task, columns).with_one_zero(has_one_zero)
}
