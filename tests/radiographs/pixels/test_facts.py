from semiray.radiographs.pixels.facts import FileFacts


def test_what_an_earlier_version_knew_is_enough():
    facts = FileFacts(*["a.png", "c0ffee", 8, 9, "8-bit grey", ""])
    assert (facts.width, facts.height) == (8, 9)
    assert facts.left_out == facts.looks == ""
