//! Choosing a backend from outside the program.

use std::{env, fmt};

use ohyeah_core::Backend;

/// The environment variable that names a backend: `scalar`, `portable`, `avx2`, `avx512` or `neon`.
pub const BACKEND_VARIABLE: &str = "OHYEAH_BACKEND";

/// A backend was asked for that this machine does not have, or nobody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnavailableBackend(String);

impl fmt::Display for UnavailableBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here: Vec<_> = Backend::available().map(Backend::name).collect();
        write!(f, "{BACKEND_VARIABLE}={}: not on this machine: use one of {}, or unset it", self.0, here.join(", "))
    }
}

impl std::error::Error for UnavailableBackend {}

/// The backend that `OHYEAH_BACKEND` names, or the fastest where it is not set: for tests and comparisons.
///
/// The variable is read at each call; pass the result on, to `with_backend`.
///
/// # Errors
///
/// The variable names one that is not available.
pub fn backend() -> Result<Backend, UnavailableBackend> {
    match env::var_os(BACKEND_VARIABLE) {
        None => Ok(Backend::detect()),
        Some(name) => Backend::available()
            .find(|backend| name == backend.name())
            .ok_or_else(|| UnavailableBackend(name.to_string_lossy().into_owned())),
    }
}
