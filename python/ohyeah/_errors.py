"""Exceptions that are of two kinds at once, so that programs find them under the name that they expect.

numpy and Python's own ``io`` do the same: ``numpy.exceptions.AxisError`` is a ``ValueError`` and an ``IndexError``,
``io.UnsupportedOperation`` an ``OSError`` and a ``ValueError``.
"""


class WrongLength(IndexError, ValueError):
    """A vector does not have as many numbers as those of the index. Annoy raises ``IndexError`` here, numpy ``ValueError``."""

    __module__ = "ohyeah"


class NoSuchId(IndexError, ValueError):
    """No vector has this id: it is negative or too large."""

    __module__ = "ohyeah"


class FileFormatError(OSError, ValueError):
    """A file, or the bytes of one, are damaged or of another kind. ``filename`` is its name, where it has one."""

    __module__ = "ohyeah"

    def __init__(self, text, filename=None):
        super().__init__(text)
        self.filename = filename

    def __str__(self):
        return str(self.args[0]) if self.args else ""

    def __reduce__(self):
        return type(self), (*self.args, self.filename)
