//! How a forest is built.

use ohyeah::forest::BuildOptions;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// How trees are built.
#[derive(Clone, Copy)]
pub(crate) struct BuildHow {
    /// How many; −1 for as many as suit the items.
    pub(crate) trees: i32,
    /// With the random numbers of Annoy.
    pub(crate) kiss64: bool,
}

impl BuildHow {
    pub(crate) fn options(self, seed: Option<u64>) -> PyResult<BuildOptions<'static>> {
        let options = match self.trees {
            -1 => BuildOptions::new().auto_trees(),
            1.. => BuildOptions::new().trees(self.trees as usize),
            // Without trees there would be no answers, and no file.
            trees => {
                let text = format!("n_trees is {trees}: use -1 for as many trees as suit the items, or at least 1");
                return Err(PyValueError::new_err(text));
            }
        };
        let options = if self.kiss64 { options.kiss64() } else { options };
        Ok(if let Some(seed) = seed { options.seed(seed) } else { options })
    }
}
