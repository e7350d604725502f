"""One machine: a running cluster of one node against one process, on TPC-H lineitem, in turn.

    python tests/engines/ratio.py --engine ray --scale 10 --data-dir /somewhere/large --write docs/engines.md

The cluster's own start, the connection to it and the start of its workers are told apart from the job.
"""

import argparse
import pathlib
import statistics
import sys
import time

import clusters
import jobs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["ray"], default="ray")
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data-dir", type=pathlib.Path, default=jobs.PROJECT / "target" / "tpch")
    parser.add_argument("--at-most", type=float, default=1.3, help="times as long as one process")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args()
    clusters.only_loopback()
    options.commit = jobs.faults.commit()
    verdict = jobs.faults.Verdict("ratio")
    inputs = jobs.lineitem(options.data_dir.absolute(), options.scale)
    small = jobs.PROJECT / "fixtures" / "weather"
    with jobs.faults.scratch() as work:
        began = time.monotonic()
        with clusters.Ray(workers=0) as cluster:
            up = time.monotonic() - began
            # Starts the workers.
            jobs.local(small, work / "before")
            first = ended(jobs.Inside(cluster, small, work / "first"))
            alone, on_cluster = [], []
            for _ in range(options.rounds):
                alone.append(jobs.local(inputs, work / "local"))
                jobs.shutil.rmtree(work / "out", ignore_errors=True)
                on_cluster.append(ended(jobs.Inside(cluster, inputs, work / "out")))
                verdict.check(jobs.digests(work / "out") == jobs.digests(work / "local"), "other bytes")
    ratio = statistics.median(on_cluster) / statistics.median(alone)
    verdict.check(ratio <= options.at_most, f"{ratio:.2f} times as long as one process")
    shown = [", ".join(f"{seconds:.1f}" for seconds in one) for one in (alone, on_cluster)]
    lines = [
        f"- `lineitem` at scale {options.scale}, two processors, {options.rounds} rounds in turn: one process {shown[0]} s; Ray on one node",
        f"  of two slots {shown[1]} s: {ratio:.2f} times as long, by the medians. The same bytes.",
        f"- Apart from that: {up:.1f} s for the start of the cluster, {first:.1f} s for a first job of three small files, which",
        "  connects and starts the workers.",
    ]
    print("\n".join(lines))
    jobs.record(options, verdict, lines)
    return verdict.finish()


def ended(driver):
    """Seconds of a job that must succeed."""
    if driver.wait(3600):
        raise SystemExit(driver.said)
    return driver.seconds


if __name__ == "__main__":
    sys.exit(main())
