//! A signal that ends the command leaves no temporary file behind.

use std::{io, thread};

use ohyeah::AtomicFile;
use signal_hook::{consts, iterator::Signals, low_level};

/// Cleans up on Ctrl-C and on `kill`, and ends as if nobody had caught the signal: shells show 130 and 143, and a loop around
/// the command ends too, which it would not if the command merely exited with these numbers.
///
/// `SIGHUP` is left alone: a handler would undo what `nohup` has set up.
pub(crate) fn watch() -> io::Result<()> {
    let mut signals = Signals::new([consts::SIGINT, consts::SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in &mut signals {
            AtomicFile::abandon_all();
            // This fails for numbers alone that are no signals.
            let _ = low_level::emulate_default_handler(signal);
        }
    })?;
    Ok(())
}
