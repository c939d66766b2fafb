"""What ``progress=True`` shows: a bar of tqdm where it is installed, else a line on standard error."""

import sys


class _Line:
    """A share in percent, written over itself on a terminal; one line at the end elsewhere."""

    def __init__(self, title):
        self._title, self._shown, self._is_terminal = title, None, sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, share):
        percent = int(100 * share)
        if self._is_terminal and percent != self._shown:
            print(f"\r{self._title}: {percent} %", end="", file=sys.stderr, flush=True)
        self._shown = percent

    def close(self):
        if sys.stderr is not None and self._shown is not None:
            print(f"{chr(13) if self._is_terminal else ''}{self._title}: {self._shown} %", file=sys.stderr, flush=True)


class _Bar:
    """A bar of tqdm, from 0 to 100 percent."""

    def __init__(self, tqdm, title):
        self._bar = tqdm(total=100, desc=title, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}")

    def __call__(self, share):
        self._bar.update(int(100 * share) - self._bar.n)

    def close(self):
        self._bar.close()


def bar(title):
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]
    except ImportError:
        return _Line(title)
    return _Bar(tqdm, title)
