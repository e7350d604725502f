"""Jobs of prep on Ray and Spark, undisturbed and disturbed, on loopback clusters on this machine.

    python tests/engines/check.py --engine ray --rounds 10 --data-dir target/tpch --write docs/engines.md

Needs a virtual environment with the wheel, ray or pyspark, and tpchgen-cli; for Spark also Java 17. The cases
stand in cases.py.
"""

import argparse
import pathlib
import sys
import time

import cases
import clusters
import jobs


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["ray", "spark"], required=True)
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="kills of each kind")
    parser.add_argument("--data-dir", type=pathlib.Path, default=jobs.PROJECT / "target" / "tpch")
    parser.add_argument("--only", action="append", metavar="CASE")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE")
    return parser.parse_args()


def main():
    options = arguments()
    clusters.only_loopback()
    options.commit = jobs.faults.commit()
    options.data_dir = options.data_dir.absolute()
    verdict, lines = jobs.faults.Verdict(options.engine), []
    engine = {"ray": clusters.Ray, "spark": clusters.Spark}[options.engine]
    with jobs.faults.scratch() as work:
        jobs.os.environ["PREP_FAULTS_DIR"] = str(work)
        began = time.monotonic()
        with engine() as cluster:
            print(f"{options.engine}: up in {time.monotonic() - began:.1f} s", flush=True)
            tables = {"lineitem": jobs.lineitem(options.data_dir, 1), "files": jobs.small_files(options.data_dir / "small-files"), "text": jobs.text_files(options.data_dir / "text-files")}
            made = {}
            for name, inputs in tables.items():
                (work / name).mkdir()
                made[name] = cases.Case(cluster, inputs, work / name, verdict, options.seed)
            for title, run in everything(options.engine, made, options.rounds):
                if options.only and title.split(":")[0] not in options.only:
                    continue
                before, began = len(verdict.wrong), time.monotonic()
                said = run()
                mark = "" if len(verdict.wrong) == before else " (WRONG)"
                lines.append(f"- {title}: {said}{mark}")
                print(f"{lines[-1]} [{time.monotonic() - began:.0f} s]", flush=True)
    jobs.record(options, verdict, lines)
    return verdict.finish()


def everything(engine, made, rounds):
    """Title and case."""
    table, files, text = made["lineitem"], made["files"], made["text"]
    submitted = [("spark-submit: 2,000 small files", lambda: cases.same_bytes(files, jobs.as_submitted))]
    return [
        ("bytes: lineitem, TPC-H scale 1", lambda: cases.same_bytes(table)),
        ("bytes: 2,000 small files", lambda: cases.same_bytes(files)),
        ("bytes: 300 files of text", lambda: cases.same_bytes(text)),
        ("prep stream --engine: 2,000 small files", lambda: cases.same_bytes(files, jobs.as_program)),
        *(submitted if engine == "spark" else []),
        ("overhead", lambda: cases.overhead(files, rounds >= 10)),
        ("killed worker", lambda: cases.killed_workers(files, rounds)),
        ("killed node", lambda: cases.killed_nodes(files, rounds)),
        ("poison unit", lambda: cases.poison_unit(files)),
        ("failing node", lambda: cases.failing_node(files)),
        ("killed driver", lambda: cases.killed_drivers(files, max(1, rounds // 3))),
        ("cancel", lambda: cases.cancelled(files, max(1, rounds // 3))),
        ("frozen node", lambda: cases.frozen_node(files)),
    ]


if __name__ == "__main__":
    sys.exit(main())
