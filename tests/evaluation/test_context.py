from dataclasses import replace
from typing import Any

import numpy as np

from semiray.evaluation.context import Context
from semiray.evaluation.options import EvaluationOptions
from semiray.radiographs import split_by_patient

OPTIONS = EvaluationOptions(seeds=2, steps=3, batch=8, device="cpu")


def test_a_folder_of_images_is_taken_as_it_is_without_those_that_have_no_label(set_maker: Any) -> None:
    real, folder = set_maker(120), set_maker(30, seed=7)
    folder.labels[:4] = -1
    context = Context(OPTIONS, real, split_by_patient(real), folder=folder)
    assert context.obstacle == ""
    assert np.array_equal(context.synthetic.images, folder.images[4:])
    assert set(context.train.patients).isdisjoint(context.test.patients)
    assert len(context.held_out) == len(context.test)


def test_what_judgements_share_is_made_once_and_counted_once(set_maker: Any) -> None:
    real = set_maker(120)
    context = Context(OPTIONS, real, split_by_patient(real), folder=set_maker(30, seed=7))
    seen: list[tuple[int, int]] = []
    context.start(lambda *x: seen.append(x), {"utility": 4})
    first = context.real_classifiers
    assert context.real_classifiers is first
    assert [one.seed for one in first] == [0, 1]
    assert seen[-1] == (6, 10)  # two trainings of three steps, before the utility's four
    assert context.space is not None
    assert context.space.extract(real.images[:2]).tolist() == first[0].features(real.images[:2]).tolist()


def test_without_classes_there_is_no_classifier_to_ask(set_maker: Any) -> None:
    real = set_maker(120)
    folder = replace(set_maker(30, seed=7), classes=(), labels=np.full(30, -1))
    context = Context(OPTIONS, real, split_by_patient(real), folder=folder)
    assert "no classes" in context.obstacle
    assert context.space is None
