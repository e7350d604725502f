"""Rows a second through training: `prep validate`, Keras and PyTorch.

    pip install tensorflow-cpu torch pyarrow
    cargo build --release
    python benches/peers/training.py --write docs/validate.md

28 standard normal features and a number to predict, 28-64-64-1 with ReLU, SGD at 0.01, batches of 256.
Keras (`fit`) and PyTorch (its usual loop) train one network for an epoch on float32 arrays in memory, after
a warm-up. `prep validate` is the whole command: it reads and decodes Parquet, shuffles, and
predicts the test side too; its rows are those of its networks together (`raw, full` and
`standardized, full`), which train side by side where there are two threads. Programs take turns; medians.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "peers"))
from measured import measured  # noqa: E402

FEATURES = 28
BATCH = 256
INTRODUCTION = """## Speed

Rows a second through 28-64-64-1 with ReLU, SGD, batches of 256. `prep validate` is the whole command, which reads
and shuffles shards and predicts test too; Keras and PyTorch train on arrays in memory.

"""
BEGIN, END = "<!-- training.py begins -->", "<!-- training.py ends -->"


def make(folder, prep, rows):
    """One file, streamed."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    out, source = folder / "out", folder / "in.parquet"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, FEATURES))
    y = x[:, 0] + np.abs(x[:, 1]) + rng.normal(size=rows) / 2
    columns = {f"f{i}": x[:, i] for i in range(FEATURES)} | {"y": y}
    pq.write_table(pa.table(columns), source, compression="snappy")
    subprocess.run([prep, "stream", "--in", source, "--out", out, "--label", "y", "--quiet"], check=True)
    source.unlink()
    return out


def by_prep(prep, out, threads):
    command = [prep, "validate", "--data", out, "--label", "y", "--epochs", "1", "--batch-size", str(BATCH), "--part", "0", "--threads", str(threads), "--quiet"]
    _, result = measured(command)
    arms = json.loads((out / "validation.json").read_text())["arms"]
    return sum(arm["rows"] for arm in arms) / result["seconds"]


def data(rows):
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, FEATURES)).astype("float32")
    return x, (x[:, :1] + np.abs(x[:, 1:2])).astype("float32")


def by_keras(rows, threads):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    x, y = data(rows)
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((FEATURES,)), dense(64, "relu"), dense(64, "relu"), dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(x[: 20 * BATCH], y[: 20 * BATCH], batch_size=BATCH, verbose=0)
    started = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, verbose=0)
    return rows / (time.perf_counter() - started)


def by_torch(rows, threads):
    import torch

    torch.set_num_threads(threads)
    x, y = map(torch.from_numpy, data(rows))
    nn = torch.nn
    model = nn.Sequential(nn.Linear(FEATURES, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer, loss = torch.optim.SGD(model.parameters(), 0.01), nn.MSELoss()

    def epoch(x, y):
        order = torch.randperm(len(x))
        for start in range(0, len(x), BATCH):
            chosen = order[start : start + BATCH]
            optimizer.zero_grad()
            loss(model(x[chosen]), y[chosen]).backward()
            optimizer.step()

    epoch(x[: 20 * BATCH], y[: 20 * BATCH])
    started = time.perf_counter()
    epoch(x, y)
    return rows / (time.perf_counter() - started)


PEERS = {"keras": by_keras, "torch": by_torch}


def peer(options, name, threads):
    python = {"keras": options.keras_python, "torch": options.torch_python}[name]
    command = [python, __file__, "--child", name, "--threads", str(threads), "--rows", str(options.rows)]
    done = subprocess.run(command, capture_output=True, text=True)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data-dir", type=pathlib.Path, default=PROJECT / "target" / "training")
    parser.add_argument("--prep", type=pathlib.Path, default=PROJECT / "target" / "release" / "prep")
    parser.add_argument("--keras-python", default=sys.executable)
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument("--child", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(PEERS[options.child](options.rows, options.threads))
        return
    prep = options.prep.absolute()
    once = make(options.data_dir.absolute(), prep, options.rows)
    lines = ["| threads | prep validate | Keras | PyTorch |", "|---|---|---|---|"]
    for threads in (1, 2):
        found = {"prep": [], "keras": [], "torch": []}
        for _ in range(options.rounds):
            found["prep"].append(by_prep(prep, once, threads))
            for name in PEERS:
                found[name].append(peer(options, name, threads))
        cells = []
        for rates in found.values():
            rates = [rate for rate in rates if rate]
            cells.append(f"{statistics.median(rates):,.0f}" if rates else "not run")
        lines.append(f"| {threads} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    shutil.rmtree(options.data_dir)
    if options.write:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True).stdout.strip()
        text = INTRODUCTION + "\n".join(lines) + (
            f"\n\nRows a second, medians of {options.rounds} rounds, {time.strftime('%Y-%m-%d')} at commit {commit}, {os.cpu_count()} cores. Again with:\n\n"
            f"```sh\ncargo build --release\npython benches/peers/training.py --rows {options.rows} --rounds {options.rounds} --write docs/validate.md\n```"
        )
        page = options.write.read_text()
        before, rest = page.split(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
