#!/usr/bin/env bash
# Do two commits give the same images, values and signatures, to the bit?
#
#     scripts/same_results.sh OLD NEW [OUT]
#
# Both are checked out and run on this machine with one thread: every method that needs no download on one sampled
# face at 16x, 32x and 64x, those for any kind of image on two photographs, and the methods that take files (spandrel,
# folder, command). Then scripts/same_results.py compares. Runs lie in OUT (runs/same); the same command continues them after an interruption.
# Another NEW needs another OUT. PYTHON names the interpreter that has the dependencies (.venv/bin/python).
set -euo pipefail

old=$1 new=$2
cd "$(dirname "$0")/.."
root=$PWD
out=$(mkdir -p "${3:-runs/same}" && cd "${3:-runs/same}" && pwd)
python=${PYTHON:-$root/.venv/bin/python}
trees=$(mktemp -d)
trap 'for side in old new; do git -C "$root" worktree remove --force "$trees/$side" 2> /dev/null || true; done; rm -rf "$trees"' EXIT
export OMP_WAIT_POLICY=PASSIVE

in_tree() { # SIDE ARGUMENTS...: bench of that side
    (cd "$trees/$1" && PYTHONPATH=$trees/$1 "$python" -c 'from bench.cli import main; main()' "${@:2}")
}

restore() { # SIDE NAME ARGUMENTS...: a run and its values, in OUT/SIDE-NAME and OUT/SIDE-NAME.csv
    local run=$out/$1-$2
    in_tree "$1" run "${@:3}" --factor 16,32,64 --threads 1 --out "$run" \
        --metrics psnr,psnr_y,ssim,ms_ssim,lr_psnr,haarpsi,lite0,lite2,dlib || echo "== $run: some cells failed"
    in_tree "$1" export "$run" --to "$run.csv"
}

"$python" "$root/scripts/same_results.py" prepare "$out"
for side in old new; do
    git worktree add --quiet --detach "$trees/$side" "${!side}"
    echo "== $side: $(git log -1 --format='%h %s' "${!side}")"
    restore $side faces --category faces --images 1 \
        --methods nearest,bicubic,hr,esrgan,esrgan+,glean,idinvert,pulse,dgp,mganprior,singan
    restore $side photos --category photos --images 2 --methods nearest,bicubic,hr,esrgan,esrgan+,singan
    restore $side files --category faces --images 1 \
        --methods "taken=folder:$out/$side-faces/sr/nearest,ran=command:$out/files/card.toml,net=spandrel:$out/files/net.pth"
done
"$python" "$root/scripts/same_results.py" compare "$out"
