"""Builds the fuzz targets and runs each for some time; what they found, with --write into a document.

    python3 fuzz/run.py --seconds 600 --write docs/reliability.md

Standard library only. Built with the flags of cargo-fuzz, by the toolchain that builds everything else.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "tests" / "faults"))
import faults  # noqa: E402

HOST = "x86_64-unknown-linux-gnu"
FLAGS = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Zsanitizer=address",
    "-Cdebug-assertions",
    "--cfg=fuzzing",
]
# No single allocation of more than this, and not more at once.
LIMITS = ["-malloc_limit_mb=64", "-rss_limit_mb=1024", "-timeout=10"]


def build(target_dir):
    """Returns the folder that the targets are in."""
    environment = os.environ | {
        "RUSTC_BOOTSTRAP": "1",
        "RUSTFLAGS": " ".join(FLAGS),
        "CARGO_TARGET_DIR": str(target_dir),
    }
    manifest = PROJECT / "fuzz" / "Cargo.toml"
    command = ["cargo", "build", "--release", "--quiet", "--locked", "--target", HOST, "--manifest-path", str(manifest)]
    subprocess.run(command, env=environment, check=True)
    return target_dir / HOST / "release"


def parquet_seeds():
    """The first column chunk of each small Parquet file, and more behind it, for each codec."""
    for path in sorted(faults.FIXTURES.rglob("*.parquet")):
        for codec in range(3):
            yield bytes([codec]) + path.read_bytes()[4:4096]


def text_seeds():
    for path in sorted(faults.FIXTURES.rglob("*.csv")):
        yield bytes([2, 7]) + path.read_bytes()[:500]
    yield b'\x02\x05"a, ""b""",2,#\r\n1,,"c\nd"\r3,"",x\n'
    yield b"\x05\x03#note\n1,2\n\n#\"\n3,4\n"


def artifact_seeds(name, work):
    """A small output's file; the checksums of longer ones would only be cut short."""
    out = work / "out"
    if not out.exists():
        faults.numbers_csv(work / "in.csv", 100, 1)
        faults.must("stream", "--in", work / "in.csv", "--out", out, "--quiet")
    yield (out / name).read_bytes()


TARGETS = {
    "text_records_are_those_of_csv_core": lambda work: text_seeds(),
    "pages_are_no_larger_than_was_checked": lambda work: parquet_seeds(),
    "a_scaler_file_that_is_read_is_written_the_same": lambda work: artifact_seeds("scaler.json", work),
    "a_manifest_that_is_read_is_written_the_same": lambda work: artifact_seeds("manifest.json", work),
}


def run(binary, seeds, seconds, corpus):
    """Fuzzes for some time; executions, and what was found or None."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as files:
        command = [binary, f"-max_total_time={seconds}", "-print_final_stats=1", "-len_control=20", *LIMITS,
                   f"-artifact_prefix={corpus.parent}/{binary.name}-", str(corpus)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=os.environ | {"TMPDIR": files}, text=True, errors="replace")
    executions = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stdout)
    covered = re.findall(r"cov: (\d+)", done.stdout)
    finding = None if done.returncode == 0 else done.stdout[-3000:]
    return int(executions[1]) if executions else 0, int(covered[-1]) if covered else 0, finding


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600, metavar="N", help="for each target")
    parser.add_argument("--only", metavar="WORD", default="", help="targets whose name holds this")
    parser.add_argument("--target-dir", type=pathlib.Path, default=PROJECT / "target" / "fuzz")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args()
    options.commit = faults.commit()
    verdict = faults.Verdict("run.py")
    folder = build(options.target_dir.absolute())
    lines = ["| target | executions | edges reached | findings |", "|---|---|---|---|"]
    with faults.scratch() as work:
        for name, seeds in TARGETS.items():
            if options.only not in name:
                continue
            corpus = options.target_dir.absolute() / "corpus" / name
            executions, edges, finding = run(folder / name, seeds(work), options.seconds, corpus)
            print(f"{name}: {executions:,} executions, {edges:,} edges", flush=True)
            verdict.check(finding is None, f"{name}: {finding}")
            verdict.check(executions > options.seconds, f"{name}: {executions} executions")
            lines.append(f"| `{name}` | {executions:,} | {edges:,} | {'none' if finding is None else 'SOME'} |")
    faults.record(options, verdict, [
        f"libFuzzer with address sanitizer and debug assertions, {options.seconds} s for each target, no allocation of",
        "more than 64 MiB:", "", *lines,
    ])
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
