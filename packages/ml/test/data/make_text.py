"""Writes text.json beside itself: what Keras's own text preprocessing makes of given texts, which the tests compare with.

Run with keras_preprocessing 1.1.0, the package that Keras took its Tokenizer and pad_sequences from: python3 make_text.py
"""

import json
import pathlib
import sys
import types

# The package asks for Keras when it is loaded; of Keras it uses nothing here.
keras = types.ModuleType("keras")
keras.utils = types.ModuleType("keras.utils")
keras.utils.data_utils = types.ModuleType("keras.utils.data_utils")
keras.utils.data_utils.Sequence = object
sys.modules |= {"keras": keras, "keras.utils": keras.utils, "keras.utils.data_utils": keras.utils.data_utils}

import keras_preprocessing
from keras_preprocessing.sequence import pad_sequences
from keras_preprocessing.text import Tokenizer, text_to_word_sequence, tokenizer_from_json

POSTS = [
    "How do I sort a list of lists in Python? I tried list.sort(), but it doesn't work!",
    "C# vs. C++: which one is faster (and why)?\n\tI'd like numbers, e.g. 2020 vs 2021.",
    "SELECT * FROM users WHERE id = ?; -- SQL injection",
    "İstanbul ΣΊΣΥΦΟΣ straße  naïve 日本語 テスト 🎉🎉 emoji",
    "",
    "   ",
    "constructor __proto__ toString hasOwnProperty constructor",
    "b a c b a c d 2020 7 7",
]
UNSEEN = ["How fast is Python? faster than C#", "nothing known hereabouts zzz", "", "constructor 7 valueOf"]
WORDS = [["The", "cat", "sat."], ["the", "Dog sat", "cat"]]
names = {"numWords": "num_words", "filters": "filters", "lower": "lower", "split": "split", "charLevel": "char_level", "oovToken": "oov_token"}


def nonzero(matrix):
    return {"shape": list(matrix.shape), "values": [[int(r), int(c), float(matrix[r, c])] for r, c in zip(*matrix.nonzero())]}


def case(options, texts=POSTS, unseen=UNSEEN, refit=None):
    tokenizer = Tokenizer(**{names[key]: value for key, value in options.items()})
    tokenizer.fit_on_texts(texts)
    if refit is not None:
        tokenizer.fit_on_texts(refit)
    sequences = tokenizer.texts_to_sequences(texts + unseen)
    indices = [[1, 2, 3, 0, 99999], [], list(range(1, 30))]
    return {
        "options": options, "texts": texts, "unseen": unseen, "refit": refit,
        "sequences": sequences,
        "back": tokenizer.sequences_to_texts(sequences + indices), "indices": indices,
        "wordCounts": list(tokenizer.word_counts.items()),
        "wordDocs": sorted(tokenizer.word_docs.items()),
        "wordIndex": list(tokenizer.word_index.items()),
        "indexWord": sorted(tokenizer.index_word.items()),
        "indexDocs": sorted(tokenizer.index_docs.items()),
        "documentCount": tokenizer.document_count,
        "matrices": {mode: nonzero(tokenizer.texts_to_matrix(texts + unseen, mode=mode)) for mode in ["binary", "count", "freq", "tfidf"]},
        "json": tokenizer.to_json(),
    }


sequences = [[1], [2, 3], [4, 5, 6], [7, 8, 9, 10, 11], []]
pads = []
for maxlen in [None, 1, 2, 3, 6]:
    for padding in ["pre", "post"]:
        for truncating in ["pre", "post"]:
            for value in [0, 1, -7]:
                padded = pad_sequences(sequences, maxlen=maxlen, padding=padding, truncating=truncating, value=value)
                pads.append({"options": {"maxLen": maxlen, "padding": padding, "truncating": truncating, "value": value}, "padded": padded.tolist()})

out = {
    "origin": f"keras_preprocessing {keras_preprocessing.__version__}, make_text.py",
    "tokenizer": [
        case({}),
        case({"numWords": 10}),
        case({"numWords": 10, "oovToken": "<OOV>"}),
        case({"oovToken": "__PAD__"}),
        case({"lower": False, "oovToken": "I"}),
        case({"filters": "", "split": " "}),
        case({"filters": "aeiou?", "split": "-"}, texts=["so-many words", "one-two--three"]),
        case({"split": "stop"}, texts=["hello!stop?world!", "stopstop", "nonstop music"]),
        case({"charLevel": True, "numWords": 12, "oovToken": "*"}),
        case({"charLevel": True, "lower": False}),
        case({"oovToken": "cat"}, texts=WORDS, unseen=[["CAT", "mouse"], "cat mouse, Dog sat"]),
        case({"numWords": 6}, refit=["python python python", "a totally new one", "2020"]),
        case({"numWords": 1, "oovToken": "x"}),
    ],
    "words": [{"text": text, "words": text_to_word_sequence(text)} for text in POSTS],
    "sequences": sequences,
    "pads": pads,
}
pathlib.Path(__file__).with_name("text.json").write_text(json.dumps(out, separators=(",", ":"), ensure_ascii=False) + "\n")

# With a file written by our toJSON as the argument, tells what Keras reads in it.
if len(sys.argv) > 1:
    read = tokenizer_from_json(pathlib.Path(sys.argv[1]).read_text())
    print(json.dumps({"sequences": read.texts_to_sequences(POSTS), "index": list(read.word_index.items())}))
