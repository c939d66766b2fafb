//! `ohyeah verify`: whether an index is in order.

use std::io::Write;
use std::path::PathBuf;

use crate::{
    failure::Failure,
    kind::{annoy_indexes, begins_as_index, is_packed},
    mapped,
    output::{Escaped, Output},
};

/// Read all of an index and check it: the checksums and the contents of a packed index, the structure and the items of Annoy's
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The index
    #[arg(value_name = "INDEX")]
    path: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let path = &args.path;
    let verdict = if is_packed(path) {
        let index = mapped::packed(path)?;
        index.verify().map_err(|error| Failure::about(path.display(), error))?;
        "a packed index in order, its checksums and its contents"
    } else if path.is_file() && !begins_as_index(path) {
        let problem = "neither a packed index nor one of Annoy's, unless it is damaged; word vectors are read and checked by ohyeah info";
        return Err(Failure::about(path.display(), problem));
    } else if annoy_indexes(path)?.is_empty() {
        let problem = "not a whole index of any metric; if it was one it is damaged or cut short: build it again";
        return Err(Failure::about(path.display(), problem));
    } else {
        "a whole index in order; whether a number has changed it cannot tell, as Annoy's format has no checksums"
    };
    let mut out = Output::standard();
    writeln!(out, "{}: {verdict}", Escaped(&path.display().to_string()))?;
    Ok(out.commit()?)
}
