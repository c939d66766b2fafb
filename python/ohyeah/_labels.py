"""Labels of vectors, which may be of any type, as texts that a file keeps.

Gensim takes whatever a dict takes as keys. JSON has texts, numbers, ``true`` and ``null`` as they are; a list is a tuple, as a list
can be no key, and so can no object, which stands for what JSON has no place for: ``{"numpy": ["<i8", 7]}``, ``{"bytes": "00ff"}``.

The key of a packed index is a text: that of the label itself where it is one, and else JSON behind a NUL character.
"""

import json

import numpy as np

from ._errors import FileFormatError

_MARK = "\0"
_TAKEN = "texts, numbers, bytes, None, numpy's scalars, or tuples of those"


def _plain(label):
    kind = type(label)
    if label is None or kind in (str, bool, int, float):
        return label
    if kind is tuple:
        return [_plain(part) for part in label]
    if kind is bytes:
        return {"bytes": label.hex()}
    if kind is complex:
        return {"complex": [label.real, label.imag]}
    if isinstance(label, np.generic) and label.dtype.kind in "biufUS" and kind is label.dtype.type:
        # Long doubles have more digits than a Python float.
        if label.dtype.kind != "f" or label.dtype.itemsize <= 8:
            return {"numpy": [label.dtype.str, _plain(label.item())]}
    raise TypeError(f"the label {label!r} is of type {kind.__module__}.{kind.__qualname__}, which a file cannot keep: use {_TAKEN}")


def of_plain(value):
    """The label that a value of JSON stands for."""
    if isinstance(value, list):
        return tuple(map(of_plain, value))
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "complex":
        return complex(*content)
    if kind == "numpy":
        return np.dtype(content[0]).type(of_plain(content[1]))
    raise ValueError(f"labels of the kind {kind!r} are not known: the file is of a newer version, or damaged")


def plain(labels):
    """Labels as values of JSON; ``TypeError`` for one that a file cannot keep."""
    return [_plain(label) for label in labels]


def refusal(labels):
    """Why labels cannot be kept in a file, if so."""
    try:
        for label in labels:
            _plain(label)
    except TypeError as error:
        return str(error)
    return None


def _key(label):
    if type(label) is str and not label.startswith(_MARK):
        try:
            label.encode()
            return label
        except UnicodeEncodeError:
            # Half a surrogate pair is no text for others; JSON has an escape for it.
            pass
    return _MARK + json.dumps(_plain(label))


def keys(labels):
    """Labels as keys of a packed index."""
    return [_key(label) for label in labels]


def label(key):
    """The label that a key of a packed index stands for."""
    if not key.startswith(_MARK):
        return key
    try:
        return of_plain(json.loads(key[1:]))
    except Exception as error:
        # Whatever stands there: no JSON, another type, too deep a list.
        raise FileFormatError(f"the key {key!r} is no label: the file is damaged, save it again ({error})") from error
