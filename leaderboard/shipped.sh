#!/bin/sh
# What `make board` runs: 2 pairs x 2 models x 5 seeds on rendered images, with small budgets.
#
#   leaderboard/shipped.sh [RUNS]    folder of the runs (default runs/board); what is done there stays
set -eu
cd "$(dirname "$0")/.."
RUNS=${1:-runs/board}
# Two runs side by side, a core each: quicker than both cores for one, at this width.
export OMP_NUM_THREADS=1

# MODEL SOURCE TARGET
transfer() {
    drbench train --dataset "$2" --origin rendered --model "$1" --seeds 0-4 \
        --resize 32 --steps 2000 --set width=32 --set lr=1e-3 \
        --sample 2000 --pairs 300 --metric omes --resume --out "$RUNS/$1-$2"
    drbench transfer "$RUNS/$1-$2" --target "$3" --origin rendered \
        --steps 500 --sample 2000 --pairs 300 --resume --out "$RUNS/$1-$2-$3"
}

mkdir -p "$RUNS"
{
    transfer ada_gvae color_dsprites shapes3d
    transfer beta_vae shapes3d color_dsprites
} >"$RUNS/log" 2>&1 &
transfer ada_gvae shapes3d color_dsprites
transfer beta_vae color_dsprites shapes3d
wait $! || { tail "$RUNS/log" >&2; exit 1; }

drbench leaderboard add "$RUNS"/*-color_dsprites-shapes3d "$RUNS"/*-shapes3d-color_dsprites
drbench leaderboard verify --all --level re-encoded --by "make board" --write
drbench leaderboard render
drbench leaderboard validate
