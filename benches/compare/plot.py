"""Draws what peers.py has measured.   usage: plot.py results.json… OUT    (makes OUT.svg and OUT.png)

A panel for each file: recall against queries per second, a line for each peer. Needs matplotlib.
"""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LEAST_RECALL = 0.68


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    *paths, out = sys.argv[1:]
    figure, panels = plt.subplots(1, len(paths), figsize=(7 * len(paths), 5), squeeze=False)
    for panel, path in zip(panels[0], paths):
        with open(path) as file:
            run = json.load(file)
        peers = list(dict.fromkeys(point["peer"] for point in run["points"]))
        for number, peer in enumerate(peers):
            points = sorted((p["recall"], p["queries_per_second"]) for p in run["points"] if p["peer"] == peer)
            points = [point for point in points if point[0] >= LEAST_RECALL]
            # Points that another one beats in both are not of use to anyone.
            best = [p for p in points if not any(q[0] >= p[0] and q[1] > p[1] for q in points)]
            own = peer == "ohyeah"
            panel.plot(*zip(*best), marker="o", markersize=4, label=peer, color=plt.cm.tab20(number % 20), linewidth=3 if own else 1.3)
        panel.set_yscale("log")
        panel.set_xlabel("recall@10")
        panel.set_ylabel("queries per second, one thread")
        panel.set_title(f"{run['vectors']}, {run['metric']}")
        panel.grid(True, which="both", alpha=0.25)
        panel.legend(fontsize=9)
    figure.tight_layout()
    for kind in ("svg", "png"):
        figure.savefig(f"{out}.{kind}", dpi=110)


if __name__ == "__main__":
    main()
