#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    prep_stream_fuzz::artifacts::a_manifest_that_is_read_is_written_the_same(data)
});
