//! What failed, told as it fails.
//!
//! The test harness keeps what a failing test says until all others have ended. Where that takes long, or somebody sees only the
//! beginning of what a long run prints, the reason is wanted beside the name.

use std::io::Write;
use std::panic;
use std::sync::Once;

/// Has each panic of this process written to standard error at once, past what the harness keeps.
pub fn told_at_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            // The macros that print are what the harness listens to; nobody can be told of an error here.
            let _ = writeln!(std::io::stderr(), "\n{panic}\n");
            usual(panic);
        }));
    });
}
