//! What goes to standard error: progress, warnings, errors.

use std::{
    fmt::Display,
    io::{IsTerminal, Write, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::is_obeyed;

const UNITS: &str = "{msg} {wide_bar} {percent:>3}% {human_pos}/{human_len} eta {eta}";
const BYTES: &str = "{msg} {wide_bar} {percent:>3}% {bytes}/{total_bytes} eta {eta}";
const SHARE: &str = "{msg} {wide_bar} {percent:>3}% eta {eta}";
const UNKNOWN: &str = "{msg} {spinner} {bytes}";

/// The length of a bar that shows a share.
pub(crate) const SHARES: f32 = 1000.0;

/// Tells the user how the work goes, as far as they want to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    warnings: bool,
    progress: bool,
}

impl Report {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { warnings: !quiet, progress: !quiet && stderr().is_terminal() }
    }

    /// A line that does not stop the work.
    pub(crate) fn warning(self, message: impl Display) {
        if self.warnings {
            tell(&format!("warning: {}", one_line(&message.to_string())));
        }
    }

    /// A bar that counts things, `total` of them. It goes away when it is dropped.
    pub(crate) fn count(self, what: &'static str, total: u64) -> ProgressBar {
        self.bar(what, Some(total), UNITS)
    }

    /// A bar that shows a share of the work, in units of 1 / [`SHARES`].
    pub(crate) fn share(self, what: &'static str) -> ProgressBar {
        self.bar(what, Some(SHARES as u64), SHARE)
    }

    /// A bar that counts bytes, or a spinner if nobody knows how many there are.
    pub(crate) fn bytes(self, what: &'static str, total: Option<u64>) -> ProgressBar {
        self.bar(what, total, if total.is_some() { BYTES } else { UNKNOWN })
    }

    fn bar(self, what: &'static str, total: Option<u64>, template: &str) -> ProgressBar {
        if !self.progress {
            return ProgressBar::hidden();
        }
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar.with_message(what).with_finish(indicatif::ProgressFinish::AndClear)
    }
}

/// Why the command failed, in one line.
pub(crate) fn error(message: &str) {
    tell(&format!("error: {}", one_line(message)));
}

/// Where standard error cannot be written to, there is nobody to tell.
fn tell(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

/// File names and arguments may hold newlines and what a terminal would obey; a message may not.
fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for c in message.chars() {
        if is_obeyed(c) { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}
