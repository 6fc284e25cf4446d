#!/usr/bin/env python3
"""Dask's side of the benchmark: run.py WORKLOAD [--repeats N] [--text FILE] [--reference FILE] prints one line of JSON, as our side
does. A fresh cluster, warmed up by 400 tiny tasks, on which the workload runs N times."""
import argparse
import json
import statistics
import time

import tasks as T
from cluster import Cluster, memory
from grid_search import in_processes, on_dask
from workloads import WORKLOADS, first_result

WORKLOADS["digits-grid-search"] = on_dask
# Those that need no cluster of ours: from their arguments to a function that runs once.
ALONE = {
    "digits-n-jobs-2": in_processes,
    "first-result": lambda args: lambda: (first_result(args), None),
}


def short(value):
    return round(value) if abs(value) >= 1000 else float("%.4g" % value)


def spreads(runs):
    out = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        summary = {"median": statistics.median(values), "min": min(values), "max": max(values), "first": values[0]}
        out[name] = {key: short(value) for key, value in summary.items()}
    return out


def warm_up(client):
    first = client.map(T.inc, range(10**9, 10**9 + 200))
    client.gather(client.map(T.inc, first))
    del first
    time.sleep(0.3)


def several(once, repeats):
    runs, cpu = [], []
    for _ in range(repeats):
        figures, spent = once()
        runs.append(figures)
        if spent is not None:
            cpu.append(spent)
        time.sleep(0.3)  # the scheduler forgets what the run made
    return {"repeats": repeats, "figures": spreads(runs), **({"cpuUsPerTask": spreads(cpu)} if cpu else {})}


def in_cluster(args):
    cluster = Cluster()
    try:
        client = cluster.connect()
        warm_up(client)
        line = several(WORKLOADS[args.workload](cluster, client, args), args.repeats)
        peaks = {role: sum(memory(pid, "VmHWM") for pid in pids) for role, pids in cluster.roles().items()}
        return {**line, "peakMb": {role: short(peak / 1e6) for role, peak in peaks.items()}}
    finally:
        cluster.close()


def versions():
    import platform

    import distributed
    import sklearn

    return {"dask": distributed.__version__, "sklearn": sklearn.__version__, "python": platform.python_version()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=[*WORKLOADS, *ALONE, "versions"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--text", type=lambda path: json.load(open(path)), help="facts of the text to count words in")
    parser.add_argument("--reference", help="scores that a grid search must have")
    args = parser.parse_args()
    if args.workload == "versions":
        line = versions()
    elif args.workload in ALONE:
        line = several(ALONE[args.workload](args), args.repeats)
    else:
        line = in_cluster(args)
    print(json.dumps({"workload": args.workload, **line}), flush=True)


if __name__ == "__main__":
    main()
