//! The command `ohyeah`.
fn main() {}
