//! Reading inputs: everything that turns files into values. Nothing here knows of splits or moments.

pub mod text;
