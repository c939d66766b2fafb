//! A signal that ends the command leaves no temporary file behind.

use std::{
    fs, io,
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use ohyeah::AtomicFile;
use signal_hook::{consts, flag, iterator::Signals, low_level};

/// What ends a command from outside: Ctrl-C, Ctrl-\, a terminal that is closed, `kill`.
const ENDING: [i32; 4] = [consts::SIGHUP, consts::SIGINT, consts::SIGQUIT, consts::SIGTERM];

/// Cleans up on these signals, and ends as if nobody had caught them: shells show 130 and 143, and a loop around the command ends too,
/// which it would not if the command merely exited with these numbers.
///
/// What was ignored before stays so: `nohup` has the command go on when its terminal is closed, and a shell that runs a script has
/// those in the background go on when Ctrl-C is pressed.
pub(crate) fn watch() -> io::Result<()> {
    let ignored = ignored();
    let caught = ENDING.into_iter().filter(|&signal| !is_ignored(signal, ignored));
    // A file that grows beyond a limit of the shell's (`ulimit -f`) is then an error of writing like any other.
    if !is_ignored(consts::SIGXFSZ, ignored) {
        flag::register(consts::SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    }
    let mut signals = Signals::new(caught)?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in &mut signals {
            AtomicFile::abandon_all();
            // This fails for numbers alone that are no signals.
            let _ = low_level::emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

/// The signals that whoever started this process has it ignore, a bit each, where the system tells (Linux).
fn ignored() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

fn is_ignored(signal: i32, ignored: Option<u64>) -> bool {
    match ignored {
        Some(mask) => mask >> (signal - 1) & 1 == 1,
        // A handler would undo what `nohup` has set up.
        None => signal == consts::SIGHUP,
    }
}
