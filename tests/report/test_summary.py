from typing import Any

from semiray.report.summary import summarise


def content(**changes: Any) -> dict[str, Any]:
    return {
        "phantom": False,
        "utility": {"skipped": "no labels"},
        "benefit": {"skipped": "no labels"},
        "commitment": None,
        "sorting": None,
        "grounding": {},
        "fidelity": {"skipped": "no labels"},
        "privacy": {"skipped": "other images"},
        "shortcuts": None,
    } | changes


COMMITMENT = {
    "sorter": {"duration": [0.9, 0.8]},
    "measure": {"duration": "r2"},
    "floor": {"duration": [0.0, 0.0]},
    "probe": {"clean": {"duration": [0.9, 0.7]}, "noise": {"duration": [0.6, 0.4]}, "half": {"duration": [0.7, 0.7]}}
    | {"jpeg": {"duration": [0.7, 0.7]}},
    "effect": {"duration": [9.0, 3.25], "texture": [4.0, 5.0]},
}


def test_what_was_not_measured_is_said_and_nothing_else() -> None:
    assert summarise(content()) == ["Utility: balanced accuracy on held-out real images", "  not measured: no labels"]


def test_the_benefit_is_its_verdict() -> None:
    lines = summarise(content(benefit={"verdict": "It is not shown that they help: mixed in +0.001, " * 3}))
    assert lines[2].startswith("Benefit")
    assert all(len(line) <= 110 for line in lines)


def test_the_probe_speaks_through_the_hardest_degradation_and_the_least_visible_dimension_is_named() -> None:
    text = "\n".join(summarise(content(commitment=COMMITMENT)))
    assert "0.85" in text  # the sorter's mean
    assert "flatters" in text
    assert "duration, by a fresh probe" in text
    assert "0.50" in text
    assert "hardest: Noise" in text
    assert "duration[1], the least visible" in text
    assert "3.2 grey levels" in text
    assert "0.70" not in text


def test_energy_and_grounding_stand_beside_what_chance_gives() -> None:
    sorting = {
        "ks": {"duration": [0.1]},
        "measure": {"duration": "ks"},
        "floor": {"duration": [0.05]},
        "energy": {"ratio": 2.5, "p_value": 0.002},
    }
    grounding = {
        "survival": {"measure": "auroc", "value": 0.7, "low": 0.5, "high": 0.9, "n_patients": 71},
        "duration": {"skipped": "the metadata say nothing of any held-out image."},
    }
    text = "\n".join(summarise(content(sorting=sorting, grounding=grounding)))
    assert "2.5 times its floor" in text
    assert "p = 0.002" in text
    assert "0.70 (0.50 to 0.90)" in text
    assert "71 patients" in text
    assert "0.5 chance" in text
    assert "duration: not measured: the metadata say nothing" in text


def test_a_judgement_that_could_not_be_made_is_left_out() -> None:
    sorting = {"ks": {}, "measure": {}, "floor": {}, "energy": {"skipped": "one patient"}}
    assert not any("energy" in line for line in summarise(content(sorting=sorting)))


def test_fidelity_privacy_and_shortcuts() -> None:
    measure = {"value": 0.4, "low": 0.1, "high": 0.7, "real": 0.09, "real_low": 0.0, "real_high": 0.2}
    interval = {"mean": 0.62, "low": 0.59, "high": 0.65, "seeds": [0.62]}
    changes = {
        "fidelity": {"space": "trtr", "measures": dict.fromkeys(("frechet", "precision", "coverage"), measure)},
        "privacy": {
            "copies": {"copied": 3, "n_images": 6000},
            "copies_among_held_out": {"copied": 0, "n_images": 798},
            "authenticity": {"trtr": {key: {"authenticity": interval} for key in ("synthetic", "held_out")}},
            "membership": {"black_box": {"auroc": interval}},
        },
        "shortcuts": {"warning": "The border tells.", "pairs": []},
    }
    text = "\n".join(summarise(content(**changes)))
    assert "features of trtr" in text
    assert "0.40 (0.10 to 0.70)" in text
    assert "real: 0.09" in text
    assert "3 of 6,000" in text
    assert "0 among held-out images" in text
    assert "authentic, by trtr" in text
    assert "held out: 0.62" in text
    assert "membership inferred, black box" in text
    assert "0.62 (0.59 to 0.65)" in text
    assert text.endswith("Warning: The border tells.")
