#!/bin/sh
# Build the wheel, install it without torch, use it from an empty folder. Argument: a python with `build`.
set -eu
python=$1
constraints=$PWD/constraints.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m build --wheel --outdir "$work/dist" . >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint "$constraints" "$work"/dist/*.whl
mkdir "$work/empty"
cd "$work/empty"
export DRBENCH_CACHE="$work/cache"
"$work/venv/bin/python" -c 'import importlib.util as u; assert u.find_spec("torch") is None, "torch is installed"'

"$work/venv/bin/drbench" --version
"$work/venv/bin/drbench" datasets list
"$work/venv/bin/python" - <<'PYTHON'
import itertools
from pathlib import Path

import numpy as np

codes = np.array(list(itertools.product(range(4), range(3), range(5), range(4))))
noise = np.random.default_rng(0).normal(size=codes.shape)
folder = Path("mine")
folder.mkdir()
np.savez(folder / "representations.npz", mean=codes + 0.01 * noise)
np.savetxt(folder / "classes.csv", codes, delimiter=",", fmt="%d", header="a,b,c,d", comments="")
PYTHON
"$work/venv/bin/drbench" score mine --json scores.json
"$work/venv/bin/python" - <<'PYTHON'
import json

metrics = json.load(open("scores.json"))["metrics"]
assert metrics["dci"]["value"] > 0.95, metrics["dci"]
assert metrics["mig"]["value"] > 0.8, metrics["mig"]
PYTHON
echo "the wheel works without torch"
