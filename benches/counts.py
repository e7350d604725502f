"""Instructions that the kernels take, counted by callgrind: no clock, so that a busy machine can't fail it.

    python3 benches/counts.py            compare with counts.txt: 5 % more instructions in a kernel fail
    python3 benches/counts.py --write    after a wanted change, or with another compiler

`counts.rs` has the kernels. The counts are those of the compiler and the instruction set that `counts.txt` names; where
either is another, its kernels are only counted.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
COUNTS = HERE / "counts.txt"
MORE_AT_MOST = 0.05


def built():
    """The program, and the names of its kernels as its source has them."""
    command = ["cargo", "bench", "--quiet", "--no-run", "--bench", "counts", "--message-format=json"]
    found = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in found.stdout.splitlines()]
    program = next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "counts")
    names = re.search(r"const NAMES: [^=]*= \[(.*?)\];", (HERE / "counts.rs").read_text(), re.S)[1]
    return program, re.findall(r'"([^"]+)"', names)


def made_by():
    """What counts depend on beside the source."""
    compiler = subprocess.run(["rustc", "--version"], cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout
    flags = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    flags = flags[1].split() if flags else []
    return f"{' '.join(compiler.split()[:2])}, {'with' if 'avx2' in flags else 'without'} AVX2"


def instructions(program, name):
    with tempfile.NamedTemporaryFile() as out:
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", "--toggle-collect=counts::measured::*"]
        done = subprocess.run([*valgrind, program, name], stderr=subprocess.PIPE, text=True)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not collected or collected[1] == "0":
        sys.exit(f"{name}: nothing was counted\n{done.stderr}")
    return int(collected[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="make these the counts to compare with")
    write = parser.parse_args().write
    program, names = built()
    counts = {name: instructions(program, name) for name in names}
    if write:
        COUNTS.write_text("".join(f"{line}\n" for line in [made_by(), *(f"{n} {c}" for n, c in counts.items())]))
        return
    if not COUNTS.exists():
        sys.exit(f"there is no {COUNTS}: write it with --write")
    made_before, *lines = COUNTS.read_text().splitlines()
    before = {name: int(count) for name, count in (line.split() for line in lines)}
    failed = [] if set(before) == set(counts) else [f"other kernels: {sorted(set(before) ^ set(counts))}"]
    for name, count in counts.items():
        change = count / before.get(name, count) - 1
        print(f"{name:24} {count:>12,} {change:+7.1%}")
        if change > MORE_AT_MOST:
            failed.append(f"{name} takes {change:.1%} more instructions")
    if made_before != made_by():
        print(f"not compared: counted with {made_before}, this is {made_by()}")
    elif failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
