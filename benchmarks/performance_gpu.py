r"""Training and generation on a GPU: images/s beside the card's own rates; compiled or not, in CUDA graphs or not.

    python benchmarks/performance_gpu.py --out gpu.json
    python benchmarks/performance_gpu.py --data DATA --label-from 'NORMAL|virus|bacteria' \
        --patient-from '(person\d+)' --ratio 0.9 --frechet 0.5   # and the minutes until a run is that good

On a machine without one it ends with a sentence; `--device cpu --seconds 1 --resolutions 32` tries its parts there.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from performance import machine
from performance_floor import Recorder
from performance_loops import CLASSES, batch_of, settings_of
from semiray.generation import Request
from semiray.networks import build_networks
from semiray.priors import JointPrior
from semiray.training import Game, Run, network_shape


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def rate_of(call: Callable[[], Any], device: torch.device, seconds: float) -> float:
    """Calls a second."""
    call()
    wait(device)
    started, calls = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        call()
        calls += 1
        if calls % 8 == 0:
            wait(device)
    wait(device)
    return calls / (time.perf_counter() - started)


def card(device: torch.device, seconds: float) -> dict[str, float]:
    """The device's measured rates: bfloat16 matrix products, and copies in its memory."""
    side, size = (8192, 1 << 30) if device.type == "cuda" else (512, 1 << 24)
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return {
        "bf16_tflops": 2 * side**3 * rate_of(lambda: a @ b, device, seconds) / 1e12,
        "copy_gb_per_second": 2 * size * rate_of(lambda: target.copy_(source), device, seconds) / 1e9,
    }


def graphed(step: Callable[[], Any]) -> Callable[[], Any]:
    """A step captured in a CUDA graph; what the capture refuses is raised."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def training(resolution: int, batch: int, device: torch.device, seconds: float) -> dict[str, Any]:
    """Images/s of `Game.step` as it is, with compiled networks, and in a CUDA graph where it can be captured."""
    settings = settings_of("default", resolution)
    settings = settings.model_copy(update={"optimisation": settings.optimisation.model_copy(update={"batch": batch})})
    real, labels = (part.to(device) for part in batch_of(batch, resolution))
    rates: dict[str, Any] = {}
    flops = 0.0
    for way in ("eager", "compiled", "graph"):
        torch.manual_seed(0)
        game = Game(settings, JointPrior.default(), CLASSES, device)
        step = partial(game.step, real, labels)
        try:
            if way == "compiled":
                game.generator.compile()
                game.discriminator.compile()
            if way == "graph" and device.type != "cuda":
                raise RuntimeError("graphs exist on GPUs only")
            call = graphed(step) if way == "graph" else step
            for _ in range(8):
                call()
            if way == "eager":
                with Recorder() as recorder:
                    for _ in range(8):
                        step()
                flops = sum(recorder.flops[key] * times for key, times in recorder.calls.items()) / 8
            rates[way] = batch * rate_of(call, device, seconds)
        except Exception as error:  # told in the result, and the other ways are measured
            rates[way] = f"refused: {type(error).__name__}: {str(error).splitlines()[0]}"
    best = max(rate for rate in rates.values() if isinstance(rate, float))
    return {
        "resolution": resolution,
        "batch": batch,
        "images_per_second": rates,
        "gflop_a_step": flops / 1e9,
        "tflops_reached": flops * best / batch / 1e12,
    }


def generation(resolution: int, device: torch.device, seconds: float) -> dict[str, float]:
    """Images/s of `Request.images`, rendered on the device and brought back as uint8."""
    settings, prior = settings_of("default", resolution), JointPrior.default()
    generator, discriminator = build_networks("residual", network_shape(settings, prior, CLASSES))
    classes = tuple(f"class {i}" for i in range(CLASSES))
    run = Run(Path("untrained"), settings, prior, classes, generator.to(device).eval(), discriminator.eval())
    rates = {}
    for name, bf16 in (("float32", False), ("bfloat16", True)):
        request = Request(run, bf16=bf16)
        rates[name] = 256 * rate_of(partial(request.images, 0, 256), device, seconds)
    return rates


def minutes_to(asked: argparse.Namespace) -> dict[str, Any]:
    """Train in slices and evaluate after each, until both aims are met; minutes are of training alone."""
    words = [sys.executable, "-m", "semiray"]
    reading = ["--label-from", asked.label_from] if asked.label_from else []
    reading += ["--patient-from", asked.patient_from] if asked.patient_from else []
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        run, minutes = Path(place) / "run", 0.0
        first = ["--resolution", str(asked.resolutions[0]), *reading]
        while minutes < asked.most_minutes and not {"ratio", "frechet"} <= found.keys():
            minutes += asked.slice
            begin = ["--resume"] if run.exists() else first
            budget = ["--minutes", str(minutes)]
            subprocess.run([*words, "train", str(asked.data), "--out", str(run), *begin, *budget], check=True)
            proof = Path(place) / f"proof-{minutes}"
            command = [*words, "evaluate", str(run), str(asked.data), "--out", str(proof), "--quick", "--no-benefit"]
            subprocess.run(command, check=True)
            report = json.loads((proof / "report.json").read_text(encoding="utf-8"))
            ratio, frechet = report["utility"]["ratio"]["mean"], report["fidelity"]["measures"]["frechet"]["value"]
            found.setdefault("slices", []).append({"minutes": minutes, "ratio": ratio, "frechet": frechet})
            if ratio >= asked.ratio:
                found.setdefault("ratio", minutes)
            if frechet <= asked.frechet:
                found.setdefault("frechet", minutes)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", default="cuda")
    options.add_argument("--resolutions", type=int, nargs="+", default=[128, 256])
    options.add_argument("--batches", type=int, nargs="+", default=[32, 128])
    options.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    options.add_argument("--data", type=Path, help="radiographs, to measure the minutes until a run is good")
    options.add_argument("--label-from")
    options.add_argument("--patient-from")
    options.add_argument("--ratio", type=float, default=0.9, help="of TSTR over TRTR")
    options.add_argument(
        "--frechet", type=float, default=0.5, help="Fréchet distance in the space of the TRTR classifier"
    )
    options.add_argument("--slice", type=float, default=2.0, help="minutes of training between evaluations")
    options.add_argument("--most-minutes", type=float, default=60.0)
    options.add_argument("--out", type=Path, default=Path("performance-gpu.json"))
    asked = options.parse_args()
    if asked.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("There is no GPU here that PyTorch can use: --device cpu tries the script's parts.")
    device = torch.device(asked.device)
    result: dict[str, Any] = {"machine": machine(), "card": card(device, asked.seconds)}
    if device.type == "cuda":
        result["card"]["name"] = torch.cuda.get_device_name()
    peak = result["card"]["bf16_tflops"]
    for resolution in asked.resolutions:
        for batch in asked.batches:
            row = training(resolution, batch, device, asked.seconds)
            row["of_bf16_peak"] = round(row["tflops_reached"] / peak, 3)
            result.setdefault("training", []).append(row)
            print(json.dumps(row), flush=True)
        result.setdefault("generation", {})[resolution] = generation(resolution, device, asked.seconds)
    if asked.data:
        result["minutes_to"] = minutes_to(asked)
    print(json.dumps(result, indent=1))
    asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
