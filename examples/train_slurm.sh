#!/bin/bash
# One run on two nodes with four GPUs each: sbatch examples/train_slurm.sh DATA RUN
# The same command with --resume continues after the time limit, on any number of nodes.
#SBATCH --job-name=semiray
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
set -euo pipefail
data=$1 run=$2
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
resume=$([ -f "$run/settings.yaml" ] && echo --resume || true)

# --signal tells the processes two minutes before the end: they save and stop.
srun torchrun --nnodes "$SLURM_NNODES" --nproc-per-node 4 \
    --rdzv-backend c10d --rdzv-endpoint "$head:29500" --rdzv-id "$SLURM_JOB_ID" \
    -m semiray train "$data" --out "$run" $resume --minutes 180 --set optimisation.batch=256
