"""Functions that the workers import: Dask's cheap case, pickled by reference."""
import os
import time
from collections import Counter


def noop(x):
    return x


def inc(x):
    return x + 1


def add(a, b):
    return a + b


def add_many(seed, *inputs):
    return (seed + sum(inputs)) % 1000003


def make_array(n, i):
    import numpy as np

    return np.frombuffer(os.urandom(n), dtype=np.uint8)


def make_bytes(n, i):
    return os.urandom(n)


def make_dict(n, i):
    return {"word%d" % k: k for k in range(n)}


def size_of(x, i=0):
    return len(x)


def touch(a, i):
    return float(a[i % len(a)])


def sleep_size(seconds, x):
    time.sleep(seconds)
    return len(x)


def nap(seconds, *inputs):
    time.sleep(seconds)
    return (1 + sum(inputs)) % 1000003


def count_block(path, start, stop):
    """Words of the lines that begin in [start, stop)."""
    with open(path, "rb") as f:
        if start:
            f.seek(start - 1)
            f.readline()
        out = Counter()
        pos = f.tell()
        if pos < stop:
            data = f.read(stop - pos)
            if not data.endswith(b"\n"):
                data += f.readline()
            out.update(data.decode().split())
    return out  # a Counter travels as one pickle; a plain dict would be split by element


def merge_counts(parts):
    out = Counter()
    for part in parts:
        out.update(part)
    return out


def warm_sklearn():
    from sklearn.svm import SVC  # noqa: F401

    return True
