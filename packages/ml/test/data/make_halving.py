"""Writes halving.json beside itself: schedules and results of scikit-learn's halving searches that the tests compare with.

Run with scikit-learn 1.2.1: python3 make_halving.py
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.dummy import DummyClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, HalvingRandomSearchCV, StratifiedKFold
from sklearn.svm import SVC

warnings.filterwarnings("ignore")
here = pathlib.Path(__file__).parent


class Fast(DummyClassifier):
    """Has parameters, and takes no time."""

    def __init__(self, strategy="stratified", random_state=None, constant=None, a=0, budget=1):
        self.a = a
        self.budget = budget
        super().__init__(strategy=strategy, random_state=random_state, constant=constant)


def rungs(search):
    return [
        {"candidates": int(c), "resources": int(r)} for c, r in zip(search.n_candidates_, search.n_resources_)
    ]


out = {"origin": f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, make_halving.py"}

# Schedules: the user guide's examples first (6 candidates, 1000 samples, factor 2), then others.
out["schedules"] = []
for candidates, least, most, factor, exhaust, aggressive in [
    (6, 20, 1000, 2, False, False),
    (6, 1, 1000, 2, True, False),
    (6, 20, 40, 2, False, False),
    (6, 20, 40, 2, False, True),
    (6, 1, 40, 2, True, False),
    (18, 1, 100, 3, True, False),
    (10, 1, 10, 3, True, False),
    (27, 2, 81, 3, False, False),
    (27, 40, 81, 3, False, True),
    (30, 7, 1000, 3, False, True),
    (100, 1, 60, 4, True, False),
    (1, 1, 50, 3, True, False),
    (17, 3, 200, 1.5, False, False),
    (64, 1, 1024, 2, True, True),
]:
    search = HalvingGridSearchCV(
        Fast(),
        {"a": list(range(candidates))},
        resource="budget",
        min_resources="exhaust" if exhaust else least,
        max_resources=most,
        factor=factor,
        aggressive_elimination=aggressive,
        cv=2,
    ).fit(np.zeros((40, 1)), np.arange(40) % 2)
    out["schedules"].append(
        {
            "plan": {
                "candidates": candidates,
                "minResources": least,
                "maxResources": most,
                "factor": factor,
                "exhaust": exhaust,
                "aggressiveElimination": aggressive,
            },
            "rungs": rungs(search),
        }
    )

# Rows as the resource: what "exhaust" and "smallest" mean for classes and folds.
out["rows"] = []
for rows, classes, folds, candidates, least in [
    (1000, 2, 5, 6, "exhaust"),
    (1000, 2, 5, 6, "smallest"),
    (150, 4, 3, 9, "exhaust"),
    (150, 4, 3, 9, "smallest"),
    (600, 3, 2, 20, 30),
]:
    search = HalvingGridSearchCV(
        Fast(), {"a": list(range(candidates))}, min_resources=least, factor=3, cv=folds, random_state=0
    ).fit(np.zeros((rows, 1)), np.arange(rows) % classes)
    out["rows"].append(
        {
            "rows": rows,
            "classes": classes,
            "folds": folds,
            "candidates": candidates,
            "minResources": least,
            "rungs": rungs(search),
        }
    )

# A random search draws as many as use up the resources.
search = HalvingRandomSearchCV(
    Fast(), {"a": list(range(1000))}, resource="budget", max_resources=50, min_resources=2, factor=3, cv=2, random_state=1
).fit(np.zeros((40, 1)), np.arange(40) % 2)
out["random"] = {"minResources": 2, "maxResources": 50, "rungs": rungs(search)}

# A whole search, with a parameter as the resource: rows would be drawn by NumPy's random numbers.
data = json.loads((here / "reference.json").read_text())["data"]
grid = {"C": [0.02, 0.3, 4.0], "gamma": [0.011, 0.15]}
search = HalvingGridSearchCV(
    SVC(kernel="poly", coef0=1), grid, resource="degree", max_resources=4, min_resources=1, factor=2, cv=StratifiedKFold(4)
).fit(np.array(data["X"]), np.array(data["y"]))
results = search.cv_results_
out["search"] = {
    "params": results["params"],
    "iter": results["iter"].tolist(),
    "nResources": results["n_resources"].tolist(),
    "split": np.array([results[f"split{i}_test_score"] for i in range(4)]).T.tolist(),
    "mean": results["mean_test_score"].tolist(),
    "rank": results["rank_test_score"].tolist(),
    "bestIndex": int(search.best_index_),
    "bestScore": float(search.best_score_),
    "bestParams": search.best_params_,
}

(here / "halving.json").write_text(json.dumps(out))
