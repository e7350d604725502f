#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| prep_stream_fuzz::pages::are_no_larger_than_was_checked(data)
);
