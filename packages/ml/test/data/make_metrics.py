"""Writes metrics.json beside itself: scikit-learn's metrics of given vectors, which the tests compare with.

Run with scikit-learn 1.2.1: python3 make_metrics.py
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics as sk
from sklearn.utils.class_weight import compute_class_weight

warnings.simplefilter("ignore")
rng = np.random.default_rng(11)
AVERAGES = ["macro", "micro", "weighted", "samples"]


def capital(name, average):
    return name + average.capitalize()


def multilabel(rows, labels, share, digits, weights=False):
    true = (rng.random((rows, labels)) < share).astype(int)
    scores = np.round(np.clip(0.35 * true + rng.random((rows, labels)) * 0.65, 0.01, 0.99), digits)
    return case_multilabel(true, scores, np.round(rng.random(rows) + 0.1, 2) if weights else None)


def auc(true, scores, average, weights):
    """Labels (or rows) without a pair to rank are left out; scikit-learn refuses them."""
    if average == "micro":
        flat = None if weights is None else np.repeat(weights, true.shape[1])
        return one_auc(true.ravel(), scores.ravel(), flat) or 0.0
    if average == "samples":
        parts = [(one_auc(t, s, None), 1 if weights is None else weights[i]) for i, (t, s) in enumerate(zip(true, scores))]
    else:
        w = np.ones(len(true)) if weights is None else weights
        parts = [(one_auc(true[:, c], scores[:, c], weights), (true[:, c] * w).sum()) for c in range(true.shape[1])]
    known = [(a, 1 if average == "macro" else w) for a, w in parts if a is not None]
    return float(np.average([a for a, _ in known], weights=[w for _, w in known])) if known else 0.0


def one_auc(true, scores, weights):
    return sk.roc_auc_score(true, scores, sample_weight=weights) if 0 < true.sum() < len(true) else None


def case_multilabel(true, scores, weights=None):
    out = {"true": true.tolist(), "scores": scores.tolist(), "weights": None if weights is None else weights.tolist(), "at": []}
    for threshold in [0.5, 0.3, 0.995]:
        predicted = (scores > threshold).astype(int)
        at = {"threshold": threshold, "predicted": predicted.tolist(), "scores": {}}
        for name, metric in [("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)]:
            for average in AVERAGES:
                at["scores"][capital(name, average)] = metric(true, predicted, average=average, sample_weight=weights, zero_division=0)
            at["scores"][name] = at["scores"][name + "Micro"]
        at["scores"]["subsetAccuracy"] = sk.accuracy_score(true, predicted, sample_weight=weights)
        at["scores"]["hammingLoss"] = sk.hamming_loss(true, predicted, sample_weight=weights)
        at["scores"]["binaryAccuracy"] = 1 - at["scores"]["hammingLoss"]
        tables = sk.multilabel_confusion_matrix(true, predicted, sample_weight=weights)
        at["confusion"] = tables.tolist()
        sums = tables.sum(axis=0)
        for name, value in [("trueNegatives", sums[0, 0]), ("falsePositives", sums[0, 1]), ("falseNegatives", sums[1, 0]), ("truePositives", sums[1, 1])]:
            at["scores"][name] = float(value)
        names = [f"tag {c}" for c in range(true.shape[1])]
        at["report"] = sk.classification_report(true, predicted, target_names=names, sample_weight=weights, zero_division=0)
        at["reportData"] = sk.classification_report(true, predicted, target_names=names, sample_weight=weights, zero_division=0, output_dict=True)
        out["at"].append(at)
    ranks = {}
    for average in AVERAGES:
        ranks[capital("auc", average)] = auc(true, scores, average, weights)
        ranks[capital("averagePrecision", average)] = np.nan_to_num(sk.average_precision_score(true, scores, average=average, sample_weight=weights))
    ranks["auc"] = ranks["aucMicro"]
    ranks["averagePrecision"] = ranks["averagePrecisionMicro"]
    w = np.ones(len(true)) if weights is None else weights
    ranks["binaryLogLoss"] = float(np.average([sk.log_loss(true[:, c], scores[:, c], sample_weight=w, labels=[0, 1]) for c in range(true.shape[1])]))
    ranks["meanSquaredError"] = sk.mean_squared_error(true, scores, sample_weight=weights)
    ranks["meanAbsoluteError"] = sk.mean_absolute_error(true, scores, sample_weight=weights)
    out["ranks"] = {name: float(value) for name, value in ranks.items()}
    return out


def case_binary(true, scores, weights=None):
    true, scores = np.array(true), np.array(scores)
    predicted = (scores > 0.5).astype(int)
    w = {"sample_weight": weights}
    found = {
        "accuracy": sk.accuracy_score(true, predicted, **w),
        "binaryAccuracy": sk.accuracy_score(true, predicted, **w),
        "auc": one_auc(true, scores, weights) or 0.0,
        "averagePrecision": np.nan_to_num(sk.average_precision_score(true, scores, **w)),
        "logLoss": sk.log_loss(true, scores, labels=[0, 1], **w),
        "meanSquaredError": sk.mean_squared_error(true, scores, **w),
        "homogeneity": sk.homogeneity_score(true, predicted),
        "completeness": sk.completeness_score(true, predicted),
        "vMeasure": sk.v_measure_score(true, predicted),
    }
    for name, metric in [("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)]:
        found[name] = metric(true, predicted, zero_division=0, **w)
        for average in ["macro", "micro", "weighted"]:
            found[capital(name, average)] = metric(true, predicted, labels=[0, 1], average=average, zero_division=0, **w)
    counts = sk.confusion_matrix(true, predicted, labels=[0, 1], **w)
    found |= {"trueNegatives": counts[0, 0], "falsePositives": counts[0, 1], "falseNegatives": counts[1, 0], "truePositives": counts[1, 1]}
    if weights is not None:
        for name in ["homogeneity", "completeness", "vMeasure"]:
            del found[name]
    return {
        "true": true.tolist(), "scores": scores.tolist(), "weights": None if weights is None else list(weights),
        "found": {name: float(value) for name, value in found.items()},
    }


def case_classes(rows, classes, digits):
    true = rng.choice(classes, size=rows, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2))
    scores = rng.random((rows, classes)) + 0.6 * np.eye(classes)[true]
    scores = np.round(scores / scores.sum(axis=1, keepdims=True), digits)
    predicted = scores.argmax(axis=1)
    every = list(range(classes))
    found = {
        "accuracy": sk.accuracy_score(true, predicted),
        "logLoss": sk.log_loss(true, scores, labels=every),
        "homogeneity": sk.homogeneity_score(true, predicted),
        "completeness": sk.completeness_score(true, predicted),
        "vMeasure": sk.v_measure_score(true, predicted),
    }
    sparse = {}
    for name, metric in [("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)]:
        for average in ["macro", "micro", "weighted"]:
            sparse[capital(name, average)] = metric(true, predicted, labels=every, average=average, zero_division=0)
    onehot = np.eye(classes, dtype=int)[true]
    for average in ["macro", "micro", "weighted"]:
        sparse[capital("auc", average)] = auc(onehot, scores, average, None)
    return {
        "true": true.tolist(), "scores": scores.tolist(), "classes": classes,
        "found": {k: float(v) for k, v in found.items()},
        "sparse": {k: float(v) for k, v in sparse.items()},
        "confusion": sk.confusion_matrix(true, predicted, labels=every).tolist(),
        "report": sk.classification_report(true, predicted, labels=every, target_names=[f"class {c}" for c in every], zero_division=0),
    }


def case_labels(true, predicted):
    labels = sorted(set(true) | set(predicted))
    return {
        "true": list(true), "predicted": list(predicted),
        "hammingLoss": sk.hamming_loss(true, predicted),
        "vMeasure": sk.v_measure_score(true, predicted),
        "homogeneity": sk.homogeneity_score(true, predicted),
        "completeness": sk.completeness_score(true, predicted),
        "confusion": sk.multilabel_confusion_matrix(true, predicted, labels=labels).tolist(),
        "report": sk.classification_report(true, predicted, zero_division=0),
        "report4": sk.classification_report(true, predicted, zero_division=0, digits=4),
    }


def case_weights(y):
    classes = list(range(max(y) + 1))
    return {"y": y, "balanced": compute_class_weight("balanced", classes=np.array(classes), y=np.array(y)).tolist()}


none = np.array([[0, 1, 0], [0, 1, 1], [0, 1, 0], [0, 1, 0]])
out = {
    "origin": f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, make_metrics.py",
    "multilabel": [
        multilabel(60, 5, 0.3, 3),
        multilabel(50, 4, 0.2, 1),
        multilabel(40, 3, 0.4, 2, weights=True),
        # a label without positives, one without negatives, many ties
        case_multilabel(none, np.array([[0.4, 0.9, 0.6], [0.6, 0.4, 0.6], [0.4, 0.4, 0.2], [0.5, 0.5, 0.5]])),
        # no positives at all
        case_multilabel(np.zeros((3, 2), dtype=int), np.array([[0.4, 0.9], [0.6, 0.4], [0.2, 0.1]])),
    ],
    "binary": [
        case_binary(rng.integers(0, 2, 50), np.round(rng.random(50), 3)),
        case_binary(rng.integers(0, 2, 50), np.round(rng.random(50), 1)),
        case_binary(rng.integers(0, 2, 30), np.round(rng.random(30), 1), np.round(rng.random(30) + 0.1, 2).tolist()),
        case_binary([0, 0, 0, 0], [0.2, 0.7, 0.5, 0.1]),
        case_binary([1, 1, 1], [0.2, 0.7, 0.5]),
        case_binary([0, 1, 1, 0], [0.5, 0.5, 0.5, 0.5]),
        case_binary([0, 1, 1, 0], [0.0, 1.0, 0.0, 1.0]),
    ],
    "classes": [case_classes(70, 4, 4), case_classes(40, 3, 1), case_classes(12, 6, 2)],
    "weights": [case_weights(rng.choice(4, 50, p=[0.6, 0.2, 0.15, 0.05]).tolist()), case_weights([0, 1, 1])],
    "labels": [
        case_labels(rng.integers(0, 4, 30).tolist(), rng.integers(0, 5, 30).tolist()),
        case_labels([0, 0, 1, 1, 2, 2], [1, 1, 0, 0, 2, 2]),
        case_labels([0, 0, 0], [0, 0, 0]),
        case_labels([0, 0, 0, 0], [0, 1, 2, 3]),
        case_labels(["fig", "pear", "pear", "a much longer name", "fig", "fig", "pear", "fig"], ["fig", "fig", "pear", "pear", "fig", "fig", "fig", "fig"]),
    ],
}
pathlib.Path(__file__).with_name("metrics.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
