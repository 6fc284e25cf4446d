"""Writes reference.json beside itself: numbers of scikit-learn and NumPy that the tests compare with.

Run with scikit-learn 1.2.1: python3 make_reference.py
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, r2_score, recall_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

rng = np.random.default_rng(7)


def samples(rows, cols, classes, spread):
    centers = rng.normal(size=(classes, cols)) * 2
    y = rng.choice(classes, size=rows, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2))
    return np.round(centers[y] + rng.normal(size=(rows, cols)) * spread, 6), y


X, y = samples(150, 5, 4, 1.6)
Xtest, _ = samples(60, 5, 4, 2.5)
X2, y2 = samples(100, 3, 2, 1.8)
names = np.array(["pear", "apple", "fig", "quince"])
text = names[y]

out = {"origin": f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, make_reference.py"}
out["data"] = {"X": X.tolist(), "y": y.tolist(), "text": text.tolist(), "Xtest": Xtest.tolist()}
out["binary"] = {"X": X2.tolist(), "y": y2.tolist()}

# support vector classifiers
svcs = []
for ours, theirs in [
    ({"kernel": "rbf", "gamma": "scale"},) * 2,
    ({"kernel": "rbf", "gamma": "auto", "C": 10},) * 2,
    ({"kernel": "rbf", "gamma": 0.5, "C": 100},) * 2,
    ({"kernel": "linear"},) * 2,
    ({"kernel": "linear", "C": 0.05},) * 2,
    ({"kernel": "poly", "degree": 2, "coef0": 1},) * 2,
    ({"kernel": "poly", "gamma": 0.2},) * 2,
    ({"kernel": "rbf", "gamma": 0.1, "classWeight": "balanced"}, {"kernel": "rbf", "gamma": 0.1, "class_weight": "balanced"}),
    ({"kernel": "rbf", "classWeight": {"0": 5, "2": 0.5}}, {"kernel": "rbf", "class_weight": {0: 5, 2: 0.5}}),
]:
    model = SVC(shrinking=False, decision_function_shape="ovo", **theirs).fit(X, y)
    svcs.append({
        "params": ours,
        "nSupport": model.n_support_.tolist(),
        "support": model.support_.tolist(),
        "decisions": model.decision_function(Xtest).tolist(),
        "predicted": model.predict(Xtest).tolist(),
    })
out["svc"] = svcs
binary = SVC().fit(X2, y2)
out["svcBinary"] = {"nSupport": binary.n_support_.tolist(), "predicted": binary.predict(X2).tolist()}
out["svcText"] = SVC().fit(X, text).predict(Xtest).tolist()

# logistic regression
logistic = []
for ours, theirs, data in [
    ({}, {}, (X, y)),
    ({"C": 0.01}, {"C": 0.01}, (X, y)),
    ({"classWeight": "balanced"}, {"class_weight": "balanced"}, (X, y)),
    ({"fitIntercept": False}, {"fit_intercept": False}, (X, y)),
    ({"C": 10}, {"C": 10}, (X2, y2)),
]:
    model = LogisticRegression(solver="newton-cg", tol=1e-10, max_iter=10000, **theirs).fit(*data)
    logistic.append({
        "params": ours,
        "data": "data" if data[0] is X else "binary",
        "coef": model.coef_.tolist(),
        "intercept": model.intercept_.tolist(),
        "predicted": model.predict(data[0]).tolist(),
    })
out["logistic"] = logistic

# neighbors
neighbors = []
for ours, theirs in [
    ({}, {}),
    ({"nNeighbors": 1}, {"n_neighbors": 1}),
    ({"nNeighbors": 8, "weights": "distance"}, {"n_neighbors": 8, "weights": "distance"}),
    ({"nNeighbors": 4, "metric": "manhattan"}, {"n_neighbors": 4, "metric": "manhattan"}),
]:
    model = KNeighborsClassifier(algorithm="brute", **theirs).fit(X, y)
    neighbors.append({"params": ours, "predicted": model.predict(Xtest).tolist(), "self": model.predict(X).tolist()})
out["neighbors"] = neighbors
out["dummy"] = DummyClassifier().fit(X, y).predict(Xtest).tolist()

# folds
folds = []
for labels, n in [(y.tolist(), 3), (y.tolist(), 5), (sorted(y.tolist()), 4), (text.tolist(), 7), (y2.tolist(), 10)]:
    splits = [test.tolist() for _, test in StratifiedKFold(n).split(np.zeros(len(labels)), labels)]
    folds.append({"y": labels, "nSplits": n, "test": splits})
out["stratified"] = folds
out["kFold"] = [{"rows": r, "nSplits": n, "test": [t.tolist() for _, t in KFold(n).split(np.zeros(r))]} for r, n in [(10, 3), (11, 4), (6, 6)]]

# metrics
metrics = []
for k, n in [(2, 40), (4, 60), (3, 9)]:
    true, predicted = rng.integers(0, k, n), rng.integers(0, k + (k == 3), n)
    scores = {"balancedAccuracy": balanced_accuracy_score(true, predicted)}
    for name, metric in [("f1", f1_score), ("precision", precision_score), ("recall", recall_score)]:
        for average in ["macro", "micro", "weighted"] + (["binary"] if k == 2 else []):
            key = name if average == "binary" else name + average.capitalize()
            scores[key] = metric(true, predicted, average=average, zero_division=0)
    scores["r2"] = r2_score(true, predicted)
    metrics.append({"true": true.tolist(), "predicted": predicted.tolist(), "scores": scores})
out["metrics"] = metrics

# a search with several scorers over several grids
grids = [
    {"kernel": ["linear"], "C": [0.1, 1]},
    {"kernel": ["rbf", "poly"], "gamma": ["scale", "auto", 0.3], "degree": [2], "class_weight": [None, "balanced"]},
]
scorers = {"accuracy": "accuracy", "f1Macro": "f1_macro", "balancedAccuracy": "balanced_accuracy"}
search = GridSearchCV(SVC(), grids, cv=4, scoring=scorers, refit="f1Macro", return_train_score=True).fit(X, text)
results = search.cv_results_
table = {"params": results["params"], "bestIndex": int(search.best_index_), "bestScore": search.best_score_}
for name in scorers:
    table[name] = {
        "split": np.array([results[f"split{s}_test_{name}"] for s in range(4)]).T.tolist(),
        "mean": results[f"mean_test_{name}"].tolist(),
        "std": results[f"std_test_{name}"].tolist(),
        "rank": results[f"rank_test_{name}"].tolist(),
        "meanTrain": results[f"mean_train_{name}"].tolist(),
    }
out["search"] = table

# other estimators in a search
others = {}
for name, estimator, grid in [
    ("logistic", LogisticRegression(max_iter=1000), {"C": [0.01, 1, 100]}),
    ("neighbors", KNeighborsClassifier(algorithm="brute"), {"n_neighbors": [1, 5, 20], "weights": ["uniform", "distance"]}),
]:
    fitted = GridSearchCV(estimator, grid, cv=10).fit(X, y)
    others[name] = {
        "mean": fitted.cv_results_["mean_test_score"].tolist(),
        "std": fitted.cv_results_["std_test_score"].tolist(),
        "rank": fitted.cv_results_["rank_test_score"].tolist(),
    }
out["others"] = others

# sums
out["moments"] = []
for n in [1, 2, 3, 7, 8, 9, 15, 16, 17, 100, 128, 129, 300, 1001]:
    values = rng.normal(size=n) * 10.0 ** rng.integers(-3, 4, n)
    out["moments"].append({"values": values.tolist(), "mean": values.mean(), "std": values.std(), "var": values.var()})

pathlib.Path(__file__).with_name("reference.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
