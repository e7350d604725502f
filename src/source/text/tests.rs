//! Tests of the whole room, from file to columns.
