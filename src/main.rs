//! tmp
use prep_stream::{engine::*, job, spec::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let spec = JobSpec {
        input: InputSpec { paths: vec![a[1].clone().into()], root: None, format: None, dialect: Dialect::default(), hive: true, settle: None },
        split: SplitSpec { by: SplitBy::Row, test_size: "0.2".parse().unwrap(), seed: 42 },
        columns: ColumnSpec { label: a.get(5).cloned().into_iter().collect(), ..Default::default() },
        fit: FitSpec { ddof: 0, on_inf: OnInf::Null },
        output: OutputSpec { path: a[2].clone().into(), dtype: Dtype::Float64, compression: if a.get(4).map(String::as_str)==Some("snappy") {Compression::Snappy} else {Compression::Zstd(1)}, overwrite: Overwrite::Exchange },
        resources: Resources { threads: a[3].parse().unwrap(), memory_bytes_max: 8 << 30 },
    };
    match job::stream(&spec, &Cancel::default(), &Silent) {
        Ok(r) => println!("{}", serde_json::to_string_pretty(&r).unwrap()),
        Err(e) => { eprintln!("prep: error: {e}"); std::process::exit(e.exit_code().into()) }
    }
}
