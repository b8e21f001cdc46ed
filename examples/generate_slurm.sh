#!/bin/bash
# A million images by sixteen machines: sbatch examples/generate_slurm.sh RUN OUT, and again to continue after a failure.
# Each shard has the bytes that a single machine would have written.
#SBATCH --job-name=semiray-generate
#SBATCH --array=0-15
#SBATCH --cpus-per-task=8
#SBATCH --time=01:00:00
set -euo pipefail
run=$1 out=$2

semiray generate "$run" --out "$out" -n 1000000 --seed 7 --format webdataset \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
