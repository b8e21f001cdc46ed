from semiray.evaluation.progress import Stages


def test_stages_add_up_whatever_their_order() -> None:
    seen: list[tuple[int, int]] = []
    stages = Stages(lambda *x: seen.append(x), {"a": 10, "b": 30, "c": 0})
    stages["b"](1, 3)
    stages["a"](1, 2)
    stages["b"](0, 3)  # it never falls
    stages["c"](1, 1)
    stages.finish("a", "b")
    assert seen == [(10, 40), (15, 40), (15, 40), (15, 40), (20, 40), (40, 40)]
    Stages(None, {})["unknown"](1, 2)


def test_stages_are_named_when_they_are_begun_and_gone_on_with() -> None:
    said: list[str] = []
    stages = Stages(None, {"a": 10, "b": 30, "c": 0}, said.append)
    stages.begin("a")
    stages["a"](1, 2)
    stages["b"](1, 3)
    stages.begin("c")  # takes nothing
    stages["a"](2, 2)
    stages.finish("a", "b")
    assert said == ["a", "b"]
