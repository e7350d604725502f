//! What the types rule out: each file of `tests/compile_fail/` must fail with the message beside it.

#[test]
fn fitting_on_unsplit_rows_and_transforming_before_a_fit_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
