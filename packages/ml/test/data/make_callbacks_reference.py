"""Writes callbacks-reference.json beside itself: what Keras's own callbacks do, which the tests compare with.

Run with Keras 3.15.1 and TensorBoard 2.21.0: KERAS_BACKEND=numpy python3 make_callbacks_reference.py
"""

import io
import json
import os
import pathlib
import sys
import tempfile
from unittest.mock import MagicMock

os.environ.setdefault("KERAS_BACKEND", "numpy")
# The NumPy backend takes its FFT from JAX, which no callback needs.
for name in ["jax", "jax.numpy", "keras.src.backend.jax", "keras.src.backend.jax.math"]:
    sys.modules.setdefault(name, MagicMock())

import keras
import numpy as np
import tensorboard
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

rng = np.random.default_rng(11)


class Optimizer:
    def __init__(self):
        self.learning_rate = 0.1


class Model:
    metrics_names = []
    metrics = []

    def __init__(self):
        self.optimizer = Optimizer()
        self.stop_training = False
        self.weights = [np.zeros(1)]
        self.saved = []

    def get_weights(self):
        return [weight.copy() for weight in self.weights]

    def set_weights(self, weights):
        self.weights = weights

    def save(self, filepath, overwrite=True):
        self.saved.append(filepath.removesuffix(".keras"))


def play(callback, series, monitor, batches=0):
    """Runs the callback over a series of figures, until it stops the training."""
    model = Model()
    callback.set_model(model)
    rates, batch = [], 0
    callback.on_train_begin()
    for epoch, value in enumerate(series):
        callback.on_epoch_begin(epoch)
        for step in range(batches):
            model.weights = [np.array([epoch * batches + step])]
            callback.on_train_batch_end(step, {"loss": float(value) + step})
        model.weights = [np.array([float(epoch + 1)])]
        callback.on_epoch_end(epoch, {monitor: float(value), "loss": 1.5})
        rates.append(float(model.optimizer.learning_rate))
        if model.stop_training:
            break
    callback.on_train_end()
    return {
        "epochs": len(rates),
        "rates": rates,
        "stopped": bool(model.stop_training),
        "weights": float(model.weights[0][0]),
        "saved": model.saved,
    }


falling = list(np.round(np.linspace(1, 0.2, 9), 4))
plateau = [1.0, 0.8, 0.7, 0.7, 0.7, 0.69, 0.7, 0.71, 0.72, 0.7, 0.6, 0.65, 0.65, 0.65, 0.65, 0.65]
rising = [0.1, 0.3, 0.2, 0.5, 0.4, 0.45, 0.44, 0.43, 0.42, 0.41]
with_nan = [1.0, float("nan"), 0.9, float("nan"), float("nan"), 0.8, 0.85]
nan_first = [float("nan"), 1.0, 0.9, 0.8, 0.7]
walks = [list(np.round(1 + np.cumsum(rng.normal(scale=0.1, size=20)), 4)) for _ in range(6)]
low = [falling, plateau, with_nan, nan_first, *walks]
high = [rising, *walks]

camel = {"val_loss": "valLoss", "val_accuracy": "valAccuracy"}


def named(options):
    """The options under Taskflock's names."""
    words = {key: key.split("_") for key in options}
    return {parts[0] + "".join(part.title() for part in parts[1:]): camel.get(options[key], options[key]) if isinstance(options[key], str) else options[key] for key, parts in words.items()}


def cases(make, options_list):
    result = []
    for options in options_list:
        monitor = options.get("monitor", "val_loss")
        for series in low if options.get("mode", "min") == "min" else high:
            played = play(make(**options), series, monitor)
            result.append({"options": named(options), "monitor": camel[monitor], "series": series, "expected": played})
    return result


stopping = [
    {},
    {"patience": 2},
    {"patience": 3, "min_delta": 0.05},
    {"patience": 3, "min_delta": -0.05},
    {"patience": 2, "baseline": 0.75},
    {"patience": 2, "baseline": 0.75, "restore_best_weights": True},
    {"patience": 3, "restore_best_weights": True},
    {"patience": 1, "start_from_epoch": 3},
    {"patience": 2, "start_from_epoch": 4, "restore_best_weights": True},
    {"patience": 2, "mode": "max", "monitor": "val_accuracy"},
    {"patience": 2, "mode": "max", "monitor": "val_accuracy", "min_delta": 0.1, "restore_best_weights": True},
]
reducing = [
    {"patience": 1},
    {"patience": 2, "factor": 0.5},
    {"patience": 2, "factor": 0.5, "cooldown": 2},
    {"patience": 1, "factor": 0.5, "min_lr": 0.02},
    {"patience": 0, "factor": 0.9},
    {"patience": 2, "min_delta": 0.05, "factor": 0.2},
    {"patience": 2, "mode": "max", "monitor": "val_accuracy", "factor": 0.5, "cooldown": 1},
]
checkpoints = [
    ("m-{epoch:02d}-{val_loss:.2f}", {}),
    ("best", {"save_best_only": True}),
    ("best-{epoch}", {"save_best_only": True, "initial_value_threshold": 0.75}),
    ("best-{epoch:3d}-{val_accuracy:.3e}", {"save_best_only": True, "mode": "max", "monitor": "val_accuracy"}),
    ("b-{epoch}-{batch}-{loss:.1f}", {"save_freq": 4}),
    ("b-{epoch}-{batch}", {"save_freq": 2, "save_best_only": True, "monitor": "loss"}),
]


def checkpoint_cases():
    result = []
    for path, options in checkpoints:
        monitor = options.get("monitor", "val_loss")
        callback = keras.callbacks.ModelCheckpoint(path + ".keras", **options)
        series = rising if options.get("mode") == "max" else plateau
        played = play(callback, series, "val_loss" if monitor == "loss" else monitor, batches=3)
        ours = path.replace("val_loss", "valLoss").replace("val_accuracy", "valAccuracy")
        result.append({"path": ours, "options": named(options), "series": series, "expected": played})
    return result


def scheduled():
    callback = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate if epoch < 2 else rate * 0.5)
    return play(callback, falling, "val_loss")["rates"]


def csv_file(rows, before=None, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "log.csv"
        if before is not None:
            path.write_bytes(before.encode())
        callback = keras.callbacks.CSVLogger(str(path), **options)
        callback.set_model(Model())
        callback.on_train_begin()
        for epoch, logs in enumerate(rows):
            callback.on_epoch_end(epoch, logs)
        callback.on_train_end()
        return path.read_bytes().decode().replace("val_loss", "valLoss")


rows = [{"val_loss": 0.5, "loss": 0.25}, {"loss": 0.125, "f1": 3.5, "val_loss": 0.75}, {"loss": 0.0625}]
old = "epoch,loss,valLoss\r\n0,9.5,9.25\r\n"
csv_cases = [
    {"options": {}, "before": None, "file": csv_file(rows)},
    {"options": {"separator": ";"}, "before": None, "file": csv_file(rows, separator=";")},
    {"options": {"append": False}, "before": old, "file": csv_file(rows, before=old, append=False)},
    {"options": {"append": True}, "before": old, "file": csv_file(rows, before=old, append=True)},
    {"options": {"append": True}, "before": None, "file": csv_file(rows, append=True)},
]


def record(event):
    stream = io.BytesIO()
    RecordWriter(stream).write(event.SerializeToString())
    return stream.getvalue().hex()


scalars = {"epoch_loss": 0.1, "epoch_f1": -2.5}
events = [
    {"wallTime": 1700000000.25, "step": 0, "content": {"kind": "version"}, "record": record(Event(wall_time=1700000000.25, file_version="brain.Event:2"))},
    {"wallTime": 1700000001.5, "step": 3, "content": {"kind": "start"}, "record": record(Event(wall_time=1700000001.5, step=3, session_log=SessionLog(status=SessionLog.START)))},
    *[
        {
            "wallTime": 1700000002.0,
            "step": step,
            "content": {"kind": "scalars", "values": values},
            "record": record(Event(wall_time=1700000002.0, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]))),
        }
        for step, values in [(0, scalars), (127, scalars), (128, scalars), (2**40 + 5, {"x" * 200: 1e-9}), (300, {})]
    ],
]

reference = {
    "versions": {"keras": keras.__version__, "tensorboard": tensorboard.__version__},
    "earlyStopping": cases(keras.callbacks.EarlyStopping, stopping),
    "reduceLROnPlateau": cases(keras.callbacks.ReduceLROnPlateau, reducing),
    "modelCheckpoint": checkpoint_cases(),
    "learningRateScheduler": scheduled(),
    "csvLogger": csv_cases,
    "csvRows": [{camel.get(key, key): value for key, value in logs.items()} for logs in rows],
    "events": events,
}
text = json.dumps(reference, indent=None, separators=(",", ":")).replace("NaN", '"NaN"')
pathlib.Path(__file__).with_name("callbacks-reference.json").write_text(text + "\n")
