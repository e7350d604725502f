#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| prep_stream_fuzz::text::records_are_those_of_csv_core(data)
);
