//! The rules of the format that the bytes of an index can break.

use core::fmt;

/// A rule of the format that the bytes of an index break, and where.
///
/// ```
/// use ohyeah_core::packed::{BuildOptions, OpenError, Rule};
/// use ohyeah_core::{Dot, Packed};
///
/// let index = Packed::build(Dot, &[1.0, 2.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// let mut bytes = index.into_storage();
/// // One of the calibration, which lies at the end.
/// let at = bytes.as_ref().len() - 700;
/// bytes.as_mut()[at] ^= 1;
/// let Err(OpenError::Damaged(damage)) = Packed::open(bytes)?.verify() else { panic!("it is damaged") };
/// assert!(damage.rule >= Rule::SectionSum, "{damage}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The rule.
    pub rule: Rule,
    /// The number of what breaks it: a section, a dimension, a subquantiser, a leaf, a row, an id or a point, as the rule says.
    pub at: u64,
}

/// The rules of the format that bytes can break beyond the first three, with the numbers that they have in
/// `docs/packed-format.md`. Opening checks those up to [`Leaves`](Self::Leaves), [`verify`](super::Packed::verify) checks all.
///
/// ```
/// use ohyeah_core::packed::{Damage, Rule};
///
/// let damage = Damage { rule: Rule::Ids, at: 17 };
/// assert!(damage.to_string().starts_with("row 17: "));
/// assert!(damage.to_string().contains("(rule 14 of the format)"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// The checksum of header and table is right.
    HeaderSum = 4,
    /// The header's numbers are in range.
    Header = 5,
    /// The sections follow one another, each as long as the header says.
    Table = 6,
    /// Leaves follow one another in rows and in blocks.
    Leaves = 7,
    /// The checksum of each section is right.
    SectionSum = 8,
    /// There are zeros between sections.
    Padding = 9,
    /// The scalar quantiser's origin, offsets and steps are in the range that vectors which can be packed give them, steps are not
    /// negative, and mean codes are from 0 to 127.
    Quantiser = 10,
    /// Codes of centroids are at most 127, and biases of leaves are finite, or minus infinity where there is nothing.
    Centroids = 11,
    /// Codewords are finite.
    Codebooks = 12,
    /// The least bias and the step of each leaf are finite, and the step is not negative.
    LeafBiases = 13,
    /// Ids are below the number of rows, and the row of the id of each row is that row.
    Ids = 14,
    /// Vectors are such as can be packed.
    Vectors = 15,
    /// The codes of each row are those of its vector.
    RowCodes = 16,
    /// Points of the calibration ascend in recall, from 0 to 1, have no more leaves than there are, and numbers in range.
    Calibration = 17,
    /// Keys follow one another, are all the bytes of keys, and are UTF-8.
    Keys = 18,
    /// What the file says about the errors of row codes bounds those of each row.
    CodeErrors = 19,
    /// The local codes of each row are no farther off than it says.
    LocalCodes = 20,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, rule) = match self.rule {
            Rule::HeaderSum => ("header", "its checksum is wrong"),
            Rule::Header => ("header", "its numbers are out of range"),
            Rule::Table => ("section", "its entry in the table is not what the header says"),
            Rule::Leaves => ("leaf", "it does not follow the one before"),
            Rule::SectionSum => ("section", "its checksum is wrong"),
            Rule::Padding => ("section", "the bytes before it are not zero"),
            Rule::Quantiser => ("dimension", "its origin, offset, step or mean code is out of range"),
            Rule::Centroids => ("leaf", "its centroid is out of range"),
            Rule::Codebooks => ("subquantiser", "a codeword is not a finite number"),
            Rule::LeafBiases => ("leaf", "its biases are out of range"),
            Rule::Ids => ("row", "its id is out of range, or not its own"),
            Rule::Vectors => ("row", "its vector cannot be packed"),
            Rule::RowCodes => ("row", "its codes are not those of its vector"),
            Rule::Calibration => ("point", "it is out of range or out of order"),
            Rule::Keys => ("id", "its key is not UTF-8, or out of order"),
            Rule::CodeErrors => ("row", "its codes are farther off than the index says"),
            Rule::LocalCodes => ("row", "its local codes are farther off than it says"),
        };
        let number = self.rule as u32;
        let at = self.at;
        write!(f, "{what} {at}: {rule} (rule {number} of the format): the index is damaged; copy or build it again")
    }
}

impl core::error::Error for Damage {}
