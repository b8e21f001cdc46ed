"""Generate images under an event with NumPy and ONNX Runtime alone, from `semiray export RUN --to generator.onnx`.

python examples/generate_onnx.py generator.onnx images.npy
"""

import json
import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
about = json.loads(session.get_modelmeta().custom_metadata_map["semiray"])
names, rng = about["names"], np.random.default_rng(7)


def draw_codes(n):
    """Codes (n, M) of the prior, in their factors' units: correlated scores, then the quantiles of each code."""
    scores = rng.standard_normal((n, len(names))) @ np.linalg.cholesky(about["correlation"]).T
    return np.stack([np.interp(s, *line) for s, line in zip(scores.T, about["quantiles"], strict=True)], axis=1)


codes = draw_codes(10_000)
survival, duration = (codes[:, names.index(name)] for name in ("survival[0]", "duration[0]"))
event = (survival == 1) & (duration <= 14)
codes = codes[event][:64].astype(np.float32)
inputs = {"codes": codes, "z": rng.standard_normal((len(codes), about["noise"]), dtype=np.float32)}
if about["classes"]:
    inputs["labels"] = np.arange(len(codes)) % len(about["classes"])
images = session.run(["images"], inputs)[0][:, 0]  # (N, H, W), -1 to 1
np.save(sys.argv[2], ((images + 1) * 127.5).round().clip(0, 255).astype(np.uint8))
print(f"P(event) = {event.mean():.2f}; {len(codes)} synthetic images in {sys.argv[2]}. {about['meaning']}")
