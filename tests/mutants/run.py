#!/usr/bin/env python3
"""Draws mutants of the library at random, and runs the tests against each of them.

A mutant is a small change of the code, made by cargo-mutants. A mutant that no test notices has
survived. `justified.toml` lists the survivors that are known to be harmless, with the reason. The
script fails if another mutant survives, or if an entry of the list matches no mutant.
"""

import collections
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
TREE = TARGET / "mutants" / "tree"
OUT = TARGET / "mutants" / "out"
TOOL = ROOT / "target" / "tools" / "bin" / "cargo-mutants"

# Each area: its sources, and the fast modules of `tests/it` that test it. The first prefix that
# matches a file determines its area.
AREAS = {
    "tokens": ("src/token/", "forge hostile manager refresh secrets"),
    "cache": ("src/cache/", "fills layer near_cache"),
    "coherence": ("src/coherence/", "fills near_cache"),
    "resilience": (
        "src/resilience/",
        "bulkheads manager metrics near_cache routes::durations store_trouble",
    ),
    "manager": (
        "src/manager/",
        "keep_alive layer limits manager near_cache operations refresh routes::several_cookies",
    ),
    "guards": ("src/middleware/guards/", "guards"),
    "worker": (
        "src/worker/",
        "diagnosis events fills::links keep_alive layer metrics refresh::retry",
    ),
    "memory": ("src/store/memory/", "limits manager store_contract"),
    "redis": (
        "src/store/redis/",
        "diagnosis fills limits::shared near_cache::addresses redis_store store_contract "
        "store_trouble",
    ),
    "stores": ("src/store/", "manager operations redis_store routes::durations store_contract"),
}

# The options of each `cargo test`.
CARGO = ["--locked", "--all-features", "--lib", "--test=it"]

# Filters that select all tests of the lib, and none of `tests/it`.
LIB = ["tests::", "store::redis::properties::"]

# The results, by the names that cargo-mutants gives them.
RESULTS = {
    "CaughtMutant": "caught",
    "MissedMutant": "missed",
    "Timeout": "timeout",
    "Unviable": "unviable",
}


class Mutant:
    """A mutant from the list of cargo-mutants. Its key contains no line number."""

    def __init__(self, listed, seen):
        self.name = listed["name"]
        self.file = listed["file"]
        self.change = re.sub(r"^[^:]+:\d+:\d+: ", "", self.name)
        # The same change may occur several times in one function.
        seen[self.file, self.change] += 1
        self.occurrence = seen[self.file, self.change]
        self.key = (self.file, self.change, self.occurrence)
        areas = (a for a, (prefix, _) in AREAS.items() if self.file.startswith(prefix))
        self.area = next(areas, None)

    def __str__(self):
        occurrence = f" (occurrence {self.occurrence})" if self.occurrence > 1 else ""
        return f"{self.file}: {self.change}{occurrence}"


def listing(tree, *selection):
    """Returns the mutants that cargo-mutants lists for these sources."""
    command = [TOOL, "mutants", "--list", "--json", *selection]
    return json.loads(subprocess.run(command, cwd=tree, check=True, stdout=subprocess.PIPE).stdout)


def mutants():
    """Returns the mutants of all areas, without those of test code."""
    seen = collections.Counter()
    found = [Mutant(listed, seen) for listed in sorted(listing(ROOT), key=position)]
    return [mutant for mutant in found if mutant.area and not is_test(mutant.file)]


def position(listed):
    start = listed["span"]["start"]
    return listed["file"], start["line"], start["column"]


def is_test(file):
    return file.endswith("/tests.rs") or "/tests/" in file


def draw(found, seed):
    """Returns the mutants in random order. Takes one of each area in turn."""

    def rank(mutant):
        text = f"{seed}:{mutant.file}:{mutant.change}:{mutant.occurrence}"
        return hashlib.sha256(text.encode()).digest()

    areas = [[mutant for mutant in found if mutant.area == area] for area in AREAS]
    queues = [collections.deque(sorted(area, key=rank)) for area in areas]
    drawn = []
    while any(queues):
        drawn += [queue.popleft() for queue in queues if queue]
    return drawn


def justified():
    """Returns the reasons of the known survivors, by the keys of the mutants."""
    entries = tomllib.loads((HERE / "justified.toml").read_text()).get("mutant", [])
    return {(e["file"], e["change"], e.get("occurrence", 1)): e["reason"] for e in entries}


def copy_tree():
    """Copies the sources, so that the mutants never touch the working tree."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    shutil.rmtree(TREE, ignore_errors=True)
    for name in files.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)


def filters(area):
    """Returns the filters that select the tests of an area."""
    return [*LIB, *(f"{module}::" for module in AREAS[area][1].split())]


def environment():
    """Cargo does not tell the copy from the working tree. So the copy has its own target folder."""
    return {**os.environ, "CARGO_TARGET_DIR": str(TARGET / "mutants" / "target")}


def time_limit(area):
    """Runs the area's tests without a mutant. They must pass, so that a later failure is the
    mutant's. Returns the time limit of the tests of one mutant, in seconds."""
    for more in (["--no-run"], []):
        start = time.monotonic()
        tests = subprocess.run(
            ["cargo", "test", *CARGO, *more, "--", *filters(area)],
            cwd=TREE,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if tests.returncode != 0:
            sys.exit(f"the tests of {area} fail without a mutant:\n{tests.stdout[-4000:]}")
    return 60 + 3 * round(time.monotonic() - start)


def outcome(mutant, limit):
    """Runs the tests against one mutant. Returns `caught`, `timeout`, `unviable` or `missed`."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    # The filter by name does not apply to mutants that delete a field. So a shard of one mutant is
    # selected besides.
    selection = ["--file", mutant.file, "--re", f"^{re.escape(mutant.name)}$"]
    names = [listed["name"] for listed in listing(TREE, *selection)]
    subprocess.run(
        [
            *(TOOL, "mutants", "--in-place", "--baseline", "skip", "--output", OUT),
            *(*selection, "--shard", f"{names.index(mutant.name)}/{len(names)}"),
            *("--timeout", str(limit), *(f"--cargo-arg={option}" for option in CARGO)),
            *("--", "--", *filters(mutant.area)),
        ],
        cwd=TREE,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    outcomes = json.loads((OUT / "mutants.out" / "outcomes.json").read_text())["outcomes"]
    ran = [outcome for outcome in outcomes if outcome["scenario"] != "Baseline"]
    if [outcome["scenario"]["Mutant"]["name"] for outcome in ran] != [mutant.name]:
        sys.exit(f"cargo-mutants did not run {mutant.name}")
    return RESULTS[ran[0]["summary"]]


def main():
    seed = os.environ.get("SEED") or str(int(time.time()))
    minutes = float(os.environ.get("MINUTES") or 60)
    count = int(os.environ.get("COUNT") or sys.maxsize)
    end = time.monotonic() + 60 * minutes
    found, reasons = mutants(), justified()
    stale = reasons.keys() - {mutant.key for mutant in found}
    for file, change, _ in sorted(stale):
        print(f"the list justifies a mutant that does not exist: {file}: {change}")
    print(f"{len(found)} mutants, SEED={seed} MINUTES={minutes:g}", flush=True)
    copy_tree()
    counts, survivors, limits = collections.Counter(), [], {}
    for mutant in draw(found, seed):
        if counts.total() - counts["unviable"] >= count or time.monotonic() > end:
            break
        if mutant.key in reasons:
            result = "justified"
        else:
            if mutant.area not in limits:
                limits[mutant.area] = time_limit(mutant.area)
            result = outcome(mutant, limits[mutant.area])
        counts[result] += 1
        survivors += [mutant] if result == "missed" else []
        print(f"{result:9} {mutant.area:10} {mutant}", flush=True)
    print(f"SEED={seed}:", ", ".join(f"{n} {result}" for result, n in sorted(counts.items())))
    for mutant in survivors:
        print(f"survived: {mutant}")
    if survivors:
        print("Add tests that fail with them, or justify them in tests/mutants/justified.toml.")
    sys.exit(1 if survivors or stale else 0)


if __name__ == "__main__":
    main()
