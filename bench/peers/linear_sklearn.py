"""The peer of the linear rung: scikit-learn's TF-IDF (sublinear; words 1-2, char_wb 2-5) with LogisticRegression(C=10).

    python bench/peers/linear_sklearn.py --rows ROWS.jsonl --out OUT.jsonl [--folds K] [--logits]

ROWS.jsonl: one {"text", "label", "split": "train" | "test"} a line. OUT.jsonl: first {"kind": "summary", ...}, then one
{"kind": "prediction", "split", "row", "label", "prediction", "score", "correct", "fold"} per test row (fold -1). With --folds,
also one per training row, predicted out of fold (folds: row's "fold" where the file has it, else stratified by position).
--logits adds the natural-log class scores ("logits") in the order of the summary's "labels". Needs scikit-learn >= 1.3.
"""

import argparse
import json
import time

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold


def fit_predict(train_texts, train_labels, test_texts, classes):
    """Fits on the training texts; returns logits [test, classes] (absent class: -30) and seconds of fit and predict."""
    began = time.perf_counter()
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    features = hstack([words.fit_transform(train_texts), characters.fit_transform(train_texts)]).tocsr()
    model = LogisticRegression(C=10, max_iter=1000).fit(features, train_labels)
    fitted = time.perf_counter()
    scores = model.predict_log_proba(hstack([words.transform(test_texts), characters.transform(test_texts)]).tocsr())
    logits = np.full((len(test_texts), len(classes)), -30.0)
    logits[:, [classes.index(name) for name in model.classes_]] = scores
    return logits, fitted - began, time.perf_counter() - fitted


def write_predictions(out, split, rows, labels, logits, folds, classes, with_logits):
    for row, label, scores, fold in zip(rows, labels, logits, folds):
        best = int(np.argmax(scores))
        line = {"kind": "prediction", "split": split, "row": row, "label": label, "prediction": classes[best],
                "score": float(np.exp(scores[best])), "correct": bool(classes[best] == label), "fold": int(fold)}
        if with_logits:
            line["logits"] = [round(float(x), 5) for x in scores]
        out.write(json.dumps(line, ensure_ascii=False) + "\n")


def out_of_fold(texts, labels, rows, folds, classes):
    if "fold" in rows[0]:
        assigned = np.array([row["fold"] for row in rows])
    else:
        assigned = np.empty(len(rows), dtype=int)
        splits = StratifiedKFold(folds, shuffle=True, random_state=0).split(texts, labels)
        for fold, (_, held) in enumerate(splits):
            assigned[held] = fold
    logits = np.empty((len(rows), len(classes)))
    for fold in sorted(set(assigned.tolist())):
        inside, held = np.where(assigned != fold)[0], np.where(assigned == fold)[0]
        logits[held], _, _ = fit_predict([texts[i] for i in inside], [labels[i] for i in inside],
                                         [texts[i] for i in held], classes)
    return logits, assigned


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--logits", action="store_true")
    options = parser.parse_args()
    with open(options.rows, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    positions = {split: [i for i, row in enumerate(rows) if row["split"] == split] for split in ("train", "test")}
    texts = {split: [rows[i]["text"] for i in at] for split, at in positions.items()}
    labels = {split: [str(rows[i]["label"]) for i in at] for split, at in positions.items()}
    classes = sorted(set(labels["train"]))
    logits, fit_seconds, predict_seconds = fit_predict(texts["train"], labels["train"], texts["test"], classes)
    correct = [classes[int(np.argmax(row))] == label for row, label in zip(logits, labels["test"])]
    summary = {"kind": "summary", "peer": "sklearn-linear", "accuracy": float(np.mean(correct)),
               "fitSeconds": round(fit_seconds, 3), "predictSeconds": round(predict_seconds, 3),
               "trainRows": len(texts["train"]), "testRows": len(texts["test"]), "labels": classes}
    with open(options.out, "w", encoding="utf-8") as out:
        out.write(json.dumps(summary, ensure_ascii=False) + "\n")
        write_predictions(out, "test", positions["test"], labels["test"], logits, [-1] * len(logits), classes, options.logits)
        if options.folds > 1:
            train_rows = [rows[i] for i in positions["train"]]
            held, folds = out_of_fold(texts["train"], labels["train"], train_rows, options.folds, classes)
            write_predictions(out, "train", positions["train"], labels["train"], held, folds, classes, options.logits)
    print(json.dumps({key: value for key, value in summary.items() if key != "labels"}))


if __name__ == "__main__":
    main()
