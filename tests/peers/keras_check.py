"""The networks of `prep validate` once more in Keras, on the same raw and standardized data.

    pip install tensorflow-cpu pyarrow
    cargo build --release
    python tests/peers/keras_check.py --write docs/validate.md

By hand, not in CI: TensorFlow is large. For each table `prep stream` and `prep validate` run first; then
Keras trains the same architecture (Dense layers with ReLU and He-uniform weights, SGD, the same
learning rate, batch size and epochs) on the shards that `prep` left: as they are, and as
z x scale + mean with the figures of scaler.json; missing features are the train mean, and a regression's
label is standardized, as `prep validate` does. Initial weights and the order of rows are Keras' own, so
figures are near ours and not the same. Exits with 1 if Keras is NaN where we aren't, or the other way
round, or if fewer than two tables agree within three points of R2 or accuracy on standardized data.
"""

import argparse
import json
import math
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PROJECT = pathlib.Path(__file__).parents[2]
BEGIN, END = "<!-- keras_check.py begins -->", "<!-- keras_check.py ends -->"
TABLES = {
    "heavy-tails.csv": ("score", []),
    "weather": ("temp", ["--exclude", "year,wind_speed"]),
    "breast-cancer.csv": ("diagnosis", []),
    "penguins.csv": ("species", ["--exclude", "year"]),
    "wine.csv": ("cultivar", []),
}
EPOCHS = 10
BATCH = 32
POINTS = 0.03


def read(out, side, label, features, scaler, form):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(out / side)
    keep = table[label].is_valid().to_numpy()
    if pa.types.is_floating(table.schema.field(label).type):
        keep &= np.isfinite(table[label].to_numpy())
    target = np.array(table[label].to_pylist(), dtype=object)[keep]
    z = np.column_stack([np.nan_to_num(table[name].to_numpy(), nan=0.0) for name in features])[keep]
    if form == "raw":
        z = z * np.array(scaler["scale_"]) + np.array(scaler["mean_"])
    return z.astype("float32"), target


def keras_arm(out, validation, form):
    import keras
    import numpy as np

    label, task = validation["label"]["column"], validation["label"]["task"]
    scaler = json.loads((out / "scaler.json").read_text())
    features = scaler["feature_names_in_"]
    (train_x, train_y), (test_x, test_y) = (read(out, side, label, features, scaler, form) for side in ("train", "test"))
    training = validation["training"]
    keras.utils.set_random_seed(training["seed"])
    layers = [keras.Input((len(features),))]
    layers += [keras.layers.Dense(units, "relu", kernel_initializer="he_uniform") for units in training["hidden"]]
    if task == "regression":
        train_y, test_y = train_y.astype("float64"), test_y.astype("float64")
        mean, scale = train_y.mean(), train_y.std()
        layers.append(keras.layers.Dense(1, kernel_initializer="he_uniform"))
        loss, targets = "mse", ((train_y - mean) / scale).astype("float32")
    else:
        classes = validation["label"]["classes"]
        index = {name: i for i, name in enumerate(classes)}
        targets = np.array([index[str(y)] for y in train_y])
        layers.append(keras.layers.Dense(len(classes), kernel_initializer="he_uniform"))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(training["learning_rate"]), loss)
    history = model.fit(train_x, targets, batch_size=training["batch_size"], epochs=training["epochs"], verbose=0)
    final = history.history["loss"][-1]
    if not math.isfinite(final):
        return math.nan
    outputs = model.predict(test_x, verbose=0)
    if task == "regression":
        error = outputs[:, 0].astype("float64") * scale + mean - test_y
        return 1 - (error**2).sum() / ((test_y - test_y.mean()) ** 2).sum()
    return float(np.mean(outputs.argmax(1) == np.array([index.get(str(y), -1) for y in test_y])))


def figure(value):
    value = float(value)
    return "NaN" if math.isnan(value) else f"{value:.3f}" if abs(value) < 1e4 else f"{value:.1e}"


def check(prep, fixture, label, extra, folder):
    out = folder / fixture.partition(".")[0]
    stream = ["stream", "--in", PROJECT / "fixtures" / fixture, "--out", out, "--label", label, "--quiet", *extra]
    subprocess.run([prep, *stream], check=True)
    validate = ["validate", "--data", out, "--label", label, "--epochs", str(EPOCHS), "--batch-size", str(BATCH), "--quiet"]
    subprocess.run([prep, *validate])
    validation = json.loads((out / "validation.json").read_text())
    ours = {arm["features"]: float(arm["test"]["metric"]) for arm in validation["arms"] if arm["name"] != "raw, part"}
    theirs = {form: keras_arm(out, validation, form) for form in ours}
    return validation, ours, theirs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prep", type=pathlib.Path, default=PROJECT / "target" / "release" / "prep")
    parser.add_argument("--write", type=pathlib.Path, help="put the table into this Markdown file")
    options = parser.parse_args()
    import keras
    import tensorflow

    rows, near, contrary = [], 0, []
    with tempfile.TemporaryDirectory() as folder:
        for fixture, (label, extra) in TABLES.items():
            validation, ours, theirs = check(options.prep.absolute(), fixture, label, extra, pathlib.Path(folder))
            metric = "R2" if validation["label"]["task"] == "regression" else "accuracy"
            cells = [f"{figure(form[side])}" for side in ("raw", "standardized") for form in (ours, theirs)]
            baseline = figure(validation["baseline"]["metric"])
            rows.append(f"| `{fixture}` | {metric} | {' | '.join(cells)} | {baseline} |")
            print(rows[-1], flush=True)
            near += abs(ours["standardized"] - theirs["standardized"]) <= POINTS
            contrary += [(fixture, form) for form in ours if math.isnan(ours[form]) != math.isnan(theirs[form])]
    print(f"within {POINTS}: {near} of {len(rows)}; NaN on one side only: {contrary}")
    if options.write:
        version = subprocess.run([options.prep, "--version"], capture_output=True, text=True).stdout.split()[-1]
        heading = "| table | metric on test | raw, prep | raw, Keras | standardized, prep | standardized, Keras | constant |\n|---|---|---|---|---|---|---|"
        text = (
            "## The same in Keras\n\nThe same architecture, rate, batches and epochs, with Keras' own initial weights and order of rows, on the raw\n"
            "and standardized values read from `OUT`:\n\n"
            f"{heading}\n" + "\n".join(rows) + f"\n\nWithin three points on standardized data: {near} of {len(rows)}. prep {version}, TensorFlow {tensorflow.__version__}, Keras {keras.__version__}, "
            f"Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}; learning rate 0.01, batches of {BATCH}, {EPOCHS} epochs. Again with:\n\n"
            "```sh\ncargo build --release\npython tests/peers/keras_check.py --write docs/validate.md\n```"
        )
        page = options.write.read_text()
        before, rest = page.split(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")
    sys.exit(0 if near >= 2 and not contrary else 1)


if __name__ == "__main__":
    main()
