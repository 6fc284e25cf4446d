"""The grid search on the digits data: scikit-learn in two processes, and through joblib on Dask."""
import contextlib
import json
import time
import warnings

import tasks as T
from cluster import Meter

GRID = {"C": [1e-4, 1.0, 1e4], "gamma": [1e-3, 1.0, 1e3], "class_weight": [None, "balanced"]}


def search(n_jobs):
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    return GridSearchCV(SVC(kernel="rbf"), GRID, cv=3, n_jobs=n_jobs)


def check(found, reference):
    """The scores must be those that our side is held to."""
    with open(reference) as f:
        candidates = json.load(f)["candidates"]
    scores = {
        (c["params"]["C"], c["params"]["gamma"], c["params"]["class_weight"]): c["splitTestScores"] for c in candidates
    }
    for i, params in enumerate(found.cv_results_["params"]):
        own = [float(found.cv_results_["split%d_test_score" % k][i]) for k in range(3)]
        assert own == scores[(params["C"], params["gamma"], params["class_weight"])], (params, own)


def started(n_jobs, backend, reference):
    from sklearn.datasets import load_digits

    warnings.filterwarnings("ignore")
    X, y = load_digits(return_X_y=True)
    with backend():
        search(n_jobs).fit(X[:60], y[:60])  # starts processes, loads libraries

    def once(cluster=None):
        found = search(n_jobs)
        cpu = None
        with backend():
            if cluster is None:
                begun = time.perf_counter()
                found.fit(X, y)
                seconds = time.perf_counter() - begun
            else:
                with Meter(cluster, 55) as m:
                    found.fit(X, y)
                seconds, cpu = m.seconds, m.cpu
        check(found, reference)
        return {"seconds": seconds}, cpu

    return once


def on_dask(cluster, client, args):
    import joblib

    client.run(T.warm_sklearn)
    once = started(-1, lambda: joblib.parallel_backend("dask", client=client), args.reference)
    return lambda: once(cluster)


def in_processes(args):
    once = started(2, contextlib.nullcontext, args.reference)
    return lambda: once()
