"""The examples of docstrings, and the stubs."""

import copy
import doctest
import inspect
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import ohyeah

FOLDER = pathlib.Path(__file__).parent
CLASSES = [ohyeah.Index, ohyeah.AnnoyIndex, ohyeah.IdSet]


def documented():
    """Names and docstrings of everything public."""
    for function in (ohyeah.knn_graph, ohyeah.install_as_annoy):
        yield function.__name__, function.__doc__
    for kind in CLASSES:
        yield kind.__name__, kind.__doc__
        for name in vars(kind):
            if not name.startswith("_"):
                yield f"{kind.__name__}.{name}", inspect.getdoc(getattr(kind, name))


DOCUMENTED = dict(documented())


@pytest.fixture
def annoy_as_before():
    """Takes back what `install_as_annoy` does: other tests want the real one."""
    names = ["annoy", "annoy.annoylib"]
    before = {name: sys.modules.get(name) for name in names}
    yield
    for name in names:
        sys.modules.pop(name, None)
        if before[name] is not None:
            sys.modules[name] = before[name]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples(name, tmp_path, annoy_as_before):
    vectors = np.random.default_rng(0).normal(size=(1000, 8)).astype("f4")
    index = ohyeah.Index(vectors, keys=[f"item {i}" for i in range(1000)])
    forest = ohyeah.AnnoyIndex(8, "angular")
    forest.add_items(vectors)
    forest.build(10)
    forest.save(tmp_path / "items.ann")
    index.save(tmp_path / "items.oy")
    names = {"np": np, "ohyeah": ohyeah, "copy": copy, "vectors": vectors, "index": index, "forest": forest, "folder": str(tmp_path)}
    assert DOCUMENTED[name], "no docstring"
    test = doctest.DocTestParser().get_doctest(DOCUMENTED[name], names, name, None, None)
    out = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=out.append)
    assert not out, "".join(out)


def test_classes_and_methods_that_take_arguments_have_examples():
    plain = {"Index.close", "AnnoyIndex.unbuild", "AnnoyIndex.get_n_items", "AnnoyIndex.get_n_trees", "AnnoyIndex.verbose",
             "AnnoyIndex.set_seed", "AnnoyIndex.close"}
    for name, text in DOCUMENTED.items():
        is_value = "." in name and inspect.isgetsetdescriptor(vars(getattr(ohyeah, name.split(".")[0]))[name.split(".")[1]])
        assert is_value or name in plain or ">>>" in text, name


def alone(*command):
    done = subprocess.run([sys.executable, "-m", *map(str, command)], capture_output=True, text=True, timeout=300, cwd=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stubs_are_those_of_the_module():
    alone("mypy.stubtest", "ohyeah", "--ignore-missing-stub")


def test_a_program_that_uses_everything_passes_mypy():
    alone("mypy", "--strict", FOLDER / "typing" / "uses.py")


def test_a_program_that_uses_everything_passes_pyright():
    alone("pyright", "--pythonpath", sys.executable, "-p", FOLDER / "typing")


def test_a_program_that_uses_it_wrongly_passes_neither(tmp_path):
    """They do look at the stubs."""
    program = tmp_path / "wrong.py"
    program.write_text("import ohyeah\nohyeah.Index([[1.0]], 'cosine').id(3)\n")
    for command in (["mypy", "--strict", program], ["pyright", "--pythonpath", sys.executable, program]):
        done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert done.returncode == 1 and "cosine" in done.stdout and "str" in done.stdout, done.stdout + done.stderr


def test_a_program_that_uses_everything_runs(tmp_path):
    subprocess.run([sys.executable, FOLDER / "typing" / "uses.py"], check=True, timeout=120, cwd=tmp_path)
