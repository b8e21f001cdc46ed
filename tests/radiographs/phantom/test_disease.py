"""What the codes of disease do to the lungs."""

import numpy as np
import pytest

NORMAL, LOBAR, DIFFUSE = range(3)


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_who_did_not_survive_has_an_effusion_that_whitens_the_lung_bases(label, varied):
    died, survived = varied("survival[0]", [0, 1], label)
    difference = died - survived
    flanks = np.r_[10:20, 44:54]
    assert difference[:, 40:50][:, :, flanks].mean() > (2 if label == NORMAL else 8)
    assert abs(difference[:, 12:26][:, :, flanks].mean()) < 2


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_opacity_grows_with_duration(label, varied):
    images = varied("duration[0]", [0, 4, 10, 25, 80], label)
    lungs = [stack[:, 16:42][:, :, np.r_[14:26, 38:50]].mean() for stack in images]
    assert np.all(np.diff(lungs) > 0.3)
    assert lungs[-1] - lungs[-2] < lungs[1] - lungs[0] + lungs[2] - lungs[1]  # it saturates


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_presentation_moves_the_opacity_from_one_lung_to_the_other(label, varied):
    images = varied("presentation[0]", [-1, -0.5, 0.0, 0.5, 1], label)
    balance = [stack[:, 16:42, 38:50].mean() - stack[:, 16:42, 14:26].mean() for stack in images]
    assert np.all(np.diff(balance) > 0.5)


@pytest.mark.parametrize("label", [LOBAR, DIFFUSE])
def test_texture_makes_opacities_denser_and_their_borders_sharper(label, varied):
    # Seeds make the same patients of every class: what differs from the normal ones is the opacity.
    textures = [-1.0, 0.0, 1.0]
    pairs = zip(varied("texture[0]", textures, label), varied("texture[0]", textures, NORMAL), strict=True)
    opacities = [(ill - well)[:, 16:42] for ill, well in pairs]
    assert np.all(np.diff([o.mean() for o in opacities]) > 0.5)
    borders = [np.quantile(np.abs(np.diff(o, axis=2)), 0.98) for o in opacities]
    assert np.all(np.diff(borders) > 1)


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_texture_mottles_the_lungs_of_every_class(label, varied):
    lungs = [stack[:, 18:42, 15:26] for stack in varied("texture[0]", [-1.0, 0.0, 1.0], label)]
    rough = [np.abs(np.diff(lung, axis=2)).mean() for lung in lungs]
    assert rough[0] < rough[1] < rough[2]
