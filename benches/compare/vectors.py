"""Files of word vectors, for the programs here."""

import os
import platform

import numpy as np


def load(path):
    """The words and the vectors of a word2vec binary file."""
    with open(path, "rb") as file:
        n, d = map(int, file.readline().split())
        data = file.read()
    words, vectors, at = [], np.empty((n, d), "f4"), 0
    for row in range(n):
        end = data.index(b" ", at)
        words.append(data[at:end].lstrip(b"\n").decode("utf8"))
        vectors[row] = np.frombuffer(data, "<f4", d, end + 1)
        at = end + 1 + 4 * d
    return words, vectors


def memory(field):
    """A field of this process's status, such as VmRSS, in megabytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) / 1024


def reset_peak():
    """Makes VmHWM begin anew."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def machine():
    """What a run was made on."""
    with open("/proc/cpuinfo") as file:
        facts = dict(line.split(":", 1) for line in file if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    wide = [name for name in ("avx2", "avx512f", "avx512_vnni") if name in facts.get("flags", "").split()]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores of {facts.get('model name', platform.machine())} ({', '.join(wide)}), {memory:.0f} GiB"
