"""An estimate from speed and from runs that were measured."""

from semiray.training.outlook import outlook


def test_images_time_and_what_such_runs_gave() -> None:
    said = outlook(64, True, 150_000, 1800.0, 81.2)
    assert said.startswith("About 150,000 images in 30 minutes, at 81 a second. ")
    assert "140,000 images at 64 px gave 0.97" in said
    assert said.endswith("other data differ.")


def test_fewer_images_and_other_settings_are_said_to_be_unknown() -> None:
    assert outlook(64, True, 20_000, 60.0, 81.0).endswith("yours are fewer, so expect less.")
    assert "in 1 minute, " in outlook(64, True, 20_000, 60.0, 81.0)
    for said in (outlook(64, False, 150_000, 1800.0, 81.0), outlook(128, True, 150_000, 1800.0, 81.0)):
        assert "hasn't been measured for these settings" in said
        assert "0.9" not in said
