#!/bin/sh
# What `make board` runs: 2 pairs x 2 models x 5 seeds on rendered images, with small budgets.
#
#   leaderboard/shipped.sh [RUNS]    folder of the runs (default runs/board); what is done there stays
set -eu
cd "$(dirname "$0")/.."
RUNS=${1:-runs/board}
SEEDS=${SEEDS:-0-4}
# Two models side by side, a core each: quicker than both cores for one, at this width.
export OMP_NUM_THREADS=1

source_of() {
    drbench train --dataset "$1" --origin rendered --model "$2" --seeds "$SEEDS" \
        --resize 32 --steps 2000 --set width=32 --set lr=1e-3 \
        --sample 2000 --pairs 300 --metric omes --resume --out "$RUNS/$2-$1"
}

transfer_of() {
    drbench transfer "$RUNS/$3-$1" --target "$2" --origin rendered \
        --steps 500 --sample 2000 --pairs 300 --resume --out "$RUNS/$3-$1-$2"
}

model() {
    source_of color_dsprites "$1"
    transfer_of color_dsprites shapes3d "$1"
    source_of shapes3d "$1"
    transfer_of shapes3d color_dsprites "$1"
}

mkdir -p "$RUNS"
model ada_gvae >"$RUNS/ada_gvae.log" 2>&1 &
model beta_vae
wait $! || { tail "$RUNS/ada_gvae.log" >&2; exit 1; }

drbench leaderboard add "$RUNS"/*-color_dsprites-shapes3d "$RUNS"/*-shapes3d-color_dsprites
drbench leaderboard verify --all --level re-encoded --by "make board" --write
drbench leaderboard render
drbench leaderboard validate
