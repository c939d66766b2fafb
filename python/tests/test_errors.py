"""Errors of files, and what happens without numpy."""

import errno
import os
import pickle
import re
import sys

import numpy as np
import pytest
from alone import run

import ohyeah


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(1).normal(size=(500, 8)).astype("f4")


@pytest.fixture(scope="module")
def index(vectors):
    return ohyeah.Index(vectors)


@pytest.fixture
def forest(vectors):
    forest = ohyeah.AnnoyIndex(8, "angular")
    forest.add_items(vectors)
    forest.build(3)
    return forest


def opens(path):
    return [
        lambda: ohyeah.Index.open(path),
        lambda: ohyeah.Index.open(path, mmap=False),
        lambda: ohyeah.AnnoyIndex(8, "angular").load(path),
        lambda: open(path, "rb"),
    ]


def test_what_the_system_says_is_raised_as_python_does(index, forest, tmp_path):
    (tmp_path / "folder").mkdir()
    for path, kind, number in [
        (tmp_path / "nothing", FileNotFoundError, errno.ENOENT),
        (tmp_path / "no" / "folder", FileNotFoundError, errno.ENOENT),
        (tmp_path / "folder", IsADirectoryError, errno.EISDIR),
    ]:
        calls = opens(path)
        if path.name != "nothing":
            calls += [lambda: index.save(path), lambda: forest.save(path), lambda: open(path, "wb")]
        for call in calls:
            with pytest.raises(kind) as raised:
                call()
            assert raised.value.errno == number and os.fspath(raised.value.filename) == str(path)
            assert str(raised.value) == f"[Errno {number}] {os.strerror(number)}: {str(path)!r}"
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        ohyeah.Index.open(tmp_path / "file" / "below")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        for call in opens(tmp_path / "pipe")[:3]:
            with pytest.raises(OSError, match="pipe"):
                call()


def test_files_that_may_not_be_read_or_written():
    if os.name != "posix":
        pytest.skip("permissions are not those of Unix here")
    run(
        """
        import os, tempfile
        import numpy as np, ohyeah
        folder = tempfile.mkdtemp()
        index = ohyeah.Index(np.eye(8))
        index.save(folder + "/a.oy")
        os.chmod(folder + "/a.oy", 0)
        os.chmod(folder, 0o755)
        if os.getuid() == 0:
            os.setgid(65534); os.setuid(65534)
        else:
            os.chmod(folder, 0o555)
        for call in (lambda: ohyeah.Index.open(folder + "/a.oy"), lambda: ohyeah.Index.open(folder + "/a.oy", mmap=False),
                     lambda: ohyeah.AnnoyIndex(8, "dot").load(folder + "/a.oy"), lambda: index.save(folder + "/b.oy")):
            try:
                call()
            except PermissionError as error:
                assert error.errno == 13 and error.filename.startswith(folder), error
            else:
                raise SystemExit("it was opened")
        """
    )


def test_a_file_of_another_kind_is_named_as_that(index, forest, vectors, tmp_path):
    index.save(tmp_path / "a.oy")
    forest.save(tmp_path / "a.ann")
    np.save(tmp_path / "a.npy", vectors)
    (tmp_path / "empty").write_bytes(b"")
    found = []
    for name, call, words in [
        ("a.oy", ohyeah.AnnoyIndex(8, "angular").load, "is a packed index, not a forest: ohyeah.Index.open"),
        ("a.ann", ohyeah.Index.open, r"is not a packed index.*ohyeah.AnnoyIndex\(f, metric\).load"),
        ("a.ann", lambda path: ohyeah.Index.open(path, mmap=False), "is not a packed index"),
        ("a.npy", ohyeah.Index.open, "is an array of numpy"),
        ("empty", ohyeah.Index.open, "is not a packed index"),
    ]:
        with pytest.raises(ohyeah.FileFormatError, match=f"{re.escape(name)}: {words}") as raised:
            call(tmp_path / name)
        found.append((name, raised))
    for name, f, words in [("empty", 8, "Size of file is zero"), ("a.ann", 9, "Index size is not a multiple")]:
        with pytest.raises(ohyeah.FileFormatError, match=f"^{words}.*{re.escape(name)}") as raised:
            ohyeah.AnnoyIndex(f, "angular").load(tmp_path / name)
        found.append((name, raised))
    for name, raised in found:
        assert os.fspath(raised.value.filename) == str(tmp_path / name)
        assert isinstance(raised.value, OSError) and isinstance(raised.value, ValueError)
        again = pickle.loads(pickle.dumps(raised.value))
        assert str(again) == str(raised.value) and again.filename == raised.value.filename


def test_open_and_verify_raise_alike(index, tmp_path):
    path = tmp_path / "a.oy"
    index.save(path)
    good = path.read_bytes()
    for at in (9, 30, len(good) // 2, len(good) - 800):
        bad = bytearray(good)
        bad[at] ^= 1
        path.write_bytes(bad)
        for way in (lambda: ohyeah.Index.open(path), lambda: ohyeah.Index.open(path, mmap=False)):
            with pytest.raises(ohyeah.FileFormatError):
                way().verify()
        with pytest.raises(ohyeah.FileFormatError):
            ohyeah.Index.from_bytes(bytes(bad)).verify()
    path.write_bytes(good)
    ohyeah.Index.open(path).verify()
    ohyeah.Index.from_bytes(good).verify()


def test_a_forest_of_zeros_is_refused(tmp_path):
    (tmp_path / "zeros.ann").write_bytes(bytes(412_000))
    with pytest.raises(OSError, match="zeros.ann"):
        ohyeah.AnnoyIndex(100, "angular").load(tmp_path / "zeros.ann")


def test_a_file_that_was_read_may_be_changed(index, vectors, tmp_path):
    path = tmp_path / "a.oy"
    index.save(path)
    read = ohyeah.Index.open(path, mmap=False)
    path.write_bytes(b"")
    read.verify()
    assert read.search(vectors[7], 1)[0].tolist() == [7] and read.path is None


def test_a_file_that_is_replaced_stays_as_it_was_for_those_who_have_it_open(index, vectors, tmp_path):
    path = tmp_path / "a.oy"
    index.save(path)
    mapped = ohyeah.Index.open(path)
    ohyeah.Index(vectors[:100]).save(path)
    mapped.verify()
    assert len(mapped) == 500 and len(ohyeah.Index.open(path)) == 100


def test_without_numpy_there_is_an_import_error():
    run(
        """
        import sys
        sys.modules["numpy"] = None
        for name in ("ohyeah", "ohyeah", "ohyeah._ohyeah"):
            try:
                __import__(name)
            except ImportError as error:
                assert "numpy" in str(error), error
            else:
                raise SystemExit("it was imported")
        """
    )
