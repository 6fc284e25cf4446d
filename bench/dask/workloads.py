"""The workloads, by the names that they have on our side. Each makes ready what is not measured, and gives a function that runs
once and gives its figures and its CPU time per task (or None)."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import tasks as T
from cluster import Meter, environment, memory
from distributed import wait

WORKLOADS = {}
MIB = 1024 * 1024


def workload(name):
    def register(function):
        WORKLOADS[name] = function
        return function

    return register


def noop(n):
    def start(cluster, client, args):
        def once():
            with Meter(cluster, n) as m:
                futures = client.map(T.noop, range(n))
                results = client.gather(futures)
            assert results == list(range(n))
            return {"tasksPerSecond": n / m.seconds, "usPerTask": m.seconds / n * 1e6}, m.cpu

        return once

    return start


for _n in (10000, 50000):
    WORKLOADS["noop-%d" % _n] = noop(_n)


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


@workload("round-trip")
def round_trip(cluster, client, args, n=300):
    def once():
        times = []
        with Meter(cluster, n) as m:
            for i in range(n):
                started = time.perf_counter()
                assert client.submit(T.inc, i, pure=False).result() == i + 1
                times.append((time.perf_counter() - started) * 1e3)
        return {"p50Ms": quantile(times, 0.5), "p99Ms": quantile(times, 0.99), "minMs": min(times)}, m.cpu

    return once


@workload("chain-1000")
def chain(cluster, client, args, n=1000):
    def once():
        with Meter(cluster, n) as m:
            f = client.submit(T.inc, 0, pure=False)
            for _ in range(n - 1):
                f = client.submit(T.inc, f, pure=False)
            assert f.result() == n
        return {"usPerTask": m.seconds / n * 1e6}, m.cpu

    return once


@workload("tree-8192")
def tree(cluster, client, args, leaves=8192):
    graph = {("t-0", i): (T.noop, i) for i in range(leaves)}
    level, width = 0, leaves
    while width > 1:
        width //= 2
        for i in range(width):
            graph[("t-%d" % (level + 1), i)] = (T.add, ("t-%d" % level, 2 * i), ("t-%d" % level, 2 * i + 1))
        level += 1

    def once():
        with Meter(cluster, len(graph)) as m:
            assert client.get(graph, ("t-%d" % level, 0)) == leaves * (leaves - 1) // 2
        return {"usPerTask": m.seconds / len(graph) * 1e6}, m.cpu

    return once


def mulberry32(seed):
    a = seed & 0xFFFFFFFF

    def random():
        nonlocal a
        a = (a + 0x6D2B79F5) & 0xFFFFFFFF
        t = ((a ^ (a >> 15)) * (a | 1)) & 0xFFFFFFFF
        t = (t ^ ((t + (((t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        return ((t ^ (t >> 14)) & 0xFFFFFFFF) / 4294967296.0

    return random


def random_graph(n):
    random = mulberry32(42)
    inputs = []
    for i in range(n):
        wanted = int(random() * 4)
        first = max(0, i - 100)
        own = []
        for _ in range(wanted):
            if i > first:
                j = first + int(random() * (i - first))
                if j not in own:
                    own.append(j)
        inputs.append(own)
    return inputs


@workload("dag-10000")
def dag(cluster, client, args, n=10000):
    inputs = random_graph(n)
    used = {j for own in inputs for j in own}
    sinks = [i for i in range(n) if i not in used]
    assert (sum(map(len, inputs)), len(sinks)) == (14924, 2202)
    graph = {"r-%d" % i: tuple([T.add_many, i] + ["r-%d" % j for j in own]) for i, own in enumerate(inputs)}

    def once():
        with Meter(cluster, n) as m:
            values = client.get(graph, ["r-%d" % i for i in sinks])
        assert sum(values) == 610202068
        return {"usPerTask": m.seconds / n * 1e6}, m.cpu

    return once


@workload("retained-50000")
def retained(cluster, client, args, n=50000):
    def once():
        before = memory(cluster.scheduler.pid, "VmRSS")
        with Meter(cluster, n) as m:
            futures = client.map(T.noop, range(n))
            wait(futures)
        time.sleep(1.0)
        after = memory(cluster.scheduler.pid, "VmRSS")
        return {"residentBytesPerTask": (after - before) / n}, m.cpu

    return once


def moved(make, size):
    """Made on one worker, used on the other: seconds until the user of it has answered."""

    def start(cluster, client, args):
        def once():
            source = client.submit(make, size, 0, workers=[cluster.by_name["w0"]], pure=False)
            wait(source)
            with Meter(cluster, 1) as m:
                user = client.submit(T.size_of, source, 0, workers=[cluster.by_name["w1"]], pure=False)
                assert user.result() == size
            figures = {"ms": m.seconds * 1e3}
            if make is not T.make_dict:
                figures["mbPerSecond"] = size / 1e6 / m.seconds
            return figures, m.cpu

        return once

    return start


# The faster of bytes and arrays, which travel without being pickled.
WORKLOADS["transfer-64mib"] = moved(T.make_array, 64 * MIB)
WORKLOADS["dictionary-24000"] = moved(T.make_dict, 24000)


@workload("broadcast-32mib")
def broadcast(cluster, client, args, n=200, size=32 * MIB):
    import numpy as np

    x = np.frombuffer(os.urandom(size), dtype="u1")

    def once():
        with Meter(cluster, n) as m:
            data = client.scatter(x, broadcast=True, hash=False)
            futures = [client.submit(T.touch, data, i, pure=False) for i in range(n)]
            values = client.gather(futures)
        assert values == [float(x[i]) for i in range(n)]
        return {"seconds": m.seconds}, m.cpu

    return once


@workload("imbalance-200")
def imbalance(cluster, client, args, n=200, delay=0.010, size=1000000):
    def once():
        data = [client.submit(T.make_bytes, size, i, workers=[cluster.by_name["w0"]], pure=False) for i in range(n)]
        wait(data)
        with Meter(cluster, n) as m:
            assert client.gather([client.submit(T.sleep_size, delay, d, pure=False) for d in data]) == [size] * n
        return {"partOfIdeal": n * delay / 2 / m.seconds, "seconds": m.seconds}, m.cpu

    return once


def blocks(size, block):
    return [(start, min(size, start + block)) for start in range(0, size, block)]


def word_count(block):
    def start(cluster, client, args):
        text = args.text
        path = os.path.abspath(text["path"])

        def once():
            parts = blocks(text["bytes"], block)
            with Meter(cluster, len(parts)) as m:
                level = [client.submit(T.count_block, path, a, b, pure=False) for a, b in parts]
                while len(level) > 1:
                    level = [client.submit(T.merge_counts, level[i : i + 8], pure=False) for i in range(0, len(level), 8)]
                counts = level[0].result()
            assert sum(counts.values()) == text["words"] and len(counts) == text["distinct"]
            assert all(counts[word] == count for word, count in text["top"])
            return {"seconds": m.seconds}, m.cpu

        return once

    return start


WORKLOADS["word-count-3.3mb"] = word_count(256 * 1024)
WORKLOADS["word-count-330mb"] = word_count(8 * MIB)


def submit_naps(client, rows=20, steps=20, delay=0.02):
    """Each task of a step needs two of the step before. Only the last step is held."""
    step = [client.submit(T.nap, delay, pure=False) for _ in range(rows)]
    for _ in range(1, steps):
        step = [client.submit(T.nap, delay, step[r], step[(r + 1) % rows], pure=False) for r in range(rows)]
    return step


@workload("worker-dies")
def worker_dies(cluster, client, args):
    expected = [(2**20 - 1) % 1000003] * 20

    def run():
        started = time.perf_counter()
        assert client.gather(submit_naps(client)) == expected
        return time.perf_counter() - started

    def once():
        undisturbed = run()
        pid = cluster.pids["w1"]
        killer = threading.Timer(undisturbed / 2, lambda: os.kill(pid, signal.SIGKILL))
        killer.start()
        seconds = run()
        client.wait_for_workers(2, timeout=60)
        cluster.refresh()
        return {"lostSeconds": seconds - undisturbed, "undisturbedSeconds": undisturbed}, None

    return once


FIRST_RESULT = """
import json, time
from distributed import Client, LocalCluster
import tasks
def main():
    started = time.perf_counter()
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    client = Client(cluster)
    assert client.submit(tasks.inc, 1).result() == 2
    print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)
    client.close()
    cluster.close()
if __name__ == "__main__":
    main()
"""


def first_result(args):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "first_result.py")
        with open(path, "w") as f:
            f.write(FIRST_RESULT)
        run = [sys.executable, path]
        out = subprocess.run(run, env=environment(), capture_output=True, text=True, timeout=60, cwd=folder, check=True)
    return json.loads(out.stdout.strip().splitlines()[-1])
