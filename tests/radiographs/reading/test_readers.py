from __future__ import annotations

import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.options import reading_options
from semiray.radiographs.reading.readers import read_records


def listed(data, **options):
    return read_records(data, reading_options(options))


def keys(listing):
    return [record.key for record in listing.records]


def labels(listing):
    return {record.key: record.label for record in listing.records}


def patients(listing):
    return {record.key: record.patient for record in listing.records}


@pytest.fixture
def database(tmp_path, draw):
    """The COVID-19 Radiography Database in its current layout."""
    root = tmp_path / "COVID-19_Radiography_Dataset"
    for name in ("COVID", "Normal", "Lung_Opacity", "Viral Pneumonia"):
        for i in range(3):
            draw(root / name / "images" / f"{name}-{i}.png", seed=i)
            draw(root / name / "masks" / f"{name}-{i}.png", seed=i)
        (root / f"{name}.metadata.xlsx").write_bytes(b"PK")
    return root


def test_radiography_database_in_both_layouts(database, tmp_path, draw):
    listing = listed(database)
    assert len(listing) == 12
    assert "masks" not in "".join(keys(listing))
    assert listing.classes == ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia")
    assert listing.layout == "COVID-19 Radiography Database (images/ and masks/)"
    assert listing.summary.left_out == {"masks": 12}
    assert sum("Table not read" in one.text for one in listing.summary.advice) == 4
    old = tmp_path / "old"
    for name in ("COVID", "NORMAL", "Viral Pneumonia"):
        draw(old / name / f"{name}(1).png")
    assert listed(old).layout == "COVID-19 Radiography Database (images in the class folders)"
    # An archive unpacked into a folder of its own.
    assert listed(database.parent / "COVID-19_Radiography_Dataset").classes == listing.classes


def test_classes_are_kept_renamed_and_merged(database):
    merged = listed(database, classes={"Normal": "normal", "COVID": "ill", "Viral Pneumonia": "ill"})
    assert merged.classes == ("normal", "ill")
    assert sorted(label for label in labels(merged).values()) == ["ill"] * 6 + ["normal"] * 3
    assert any("Left out: 3 images of other classes: Lung_Opacity 3" in note for note in merged.notes)
    assert listed(database, classes=["Normal", "COVID"]).classes == ("Normal", "COVID")
    with pytest.raises(SemirayError, match=r"'Covid'.*COVID \(3\)"):
        listed(database, classes=["Covid"])
    with pytest.raises(SemirayError, match="no class is named"):
        listed(database, classes=[])


def test_keys_are_sorted_and_images_are_their_own_patients(tmp_path, draw):
    for name in ("b/2.png", "a/1.png", "a/10.png"):
        draw(tmp_path / name)
    listing = listed(tmp_path)
    assert keys(listing) == ["a/1.png", "a/10.png", "b/2.png"]
    assert patients(listing) == {key: key for key in keys(listing)}


def test_splits_of_folders_are_kept_in_the_metadata(tmp_path, draw):
    for name in ("train/N/1.png", "val/P/2.png", "test/N/3.png"):
        draw(tmp_path / name)
    listing = listed(tmp_path)
    assert listing.classes == ("N", "P")
    assert {r.key: r.metadata["split"] for r in listing.records} == {
        "train/N/1.png": "train",
        "val/P/2.png": "validation",
        "test/N/3.png": "test",
    }


def test_label_and_patient_from_the_name(tmp_path, draw):
    for name in ("NORMAL/im1.png", "PNEUMONIA/person1_virus_3.png", "PNEUMONIA/person1_bacteria_4.png", "odd/x.png"):
        draw(tmp_path / name)
    listing = listed(tmp_path, label_from="NORMAL|virus|bacteria", patient_from=r"(person\d+)")
    assert labels(listing) == {
        "NORMAL/im1.png": "NORMAL",
        "PNEUMONIA/person1_bacteria_4.png": "bacteria",
        "PNEUMONIA/person1_virus_3.png": "virus",
        "odd/x.png": None,
    }
    assert patients(listing)["PNEUMONIA/person1_virus_3.png"] == "person1"
    assert patients(listing)["odd/x.png"] == "odd/x.png"
    assert any("1 image, which is unlabelled: odd/x.png" in note for note in listing.notes)
    assert listed(tmp_path, label_from="_(virus|bacteria)_").classes == ("bacteria", "virus")
    kept = listed(tmp_path, label_from="NORMAL|virus|bacteria", classes=["NORMAL", "virus"])
    assert len(kept) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_from": "a(b"}, r"(?s)label_from.*position 1.*\n  a\(b\n   \^ here"),
        ({"patient_from": "[z-a]"}, r"(?s)patient_from.*position"),
        ({"label_from": "zebra"}, r"(?s)'zebra' matches none of 2 images.*N/1\.png"),
        ({"label_from": "x*"}, "empty text"),
        ({"label_column": "a"}, "no table"),
        ({"patient_from": "hannover"}, "no table"),
        ({"label_from": "N", "label_column": "a"}, "Give one of them"),
        ({"patient_from": "N", "patient_column": "a"}, "Give one of them"),
    ],
)
def test_wrong_options_are_explained(tmp_path, draw, options, message):
    draw(tmp_path / "N" / "1.png")
    draw(tmp_path / "P" / "2.png")
    with pytest.raises(SemirayError, match=message):
        listed(tmp_path, **options)


def test_what_isnt_a_data_set(tmp_path, draw):
    with pytest.raises(SemirayError, match="no such file or folder"):
        listed(tmp_path / "nowhere")
    with pytest.raises(SemirayError, match="no image found"):
        listed(tmp_path)
    draw(tmp_path / "masks" / "a.png")
    with pytest.raises(SemirayError, match=r"Left out: 1 masks\. Files .* rename .* Images are DICOM files or end in"):
        listed(tmp_path)
    image = draw(tmp_path / "a.png")
    with pytest.raises(SemirayError, match="Give its folder"):
        listed(image)


def test_a_table_in_the_folder_adds_to_its_images(tmp_path, draw):
    for i in range(4):
        draw(tmp_path / "png" / f"{i}ab.png")
    (tmp_path / "data.csv").write_text("patient_id,image_id,sex\np1,0ab,f\np1,1ab,\n,2ab,m\np9,gone,m\np1,0ab,again\n")
    listing = listed(tmp_path)
    assert listing.layout == "a table (data.csv)"
    assert listing.classes == ()
    assert patients(listing) == {
        "png/0ab.png": "p1",
        "png/1ab.png": "p1",
        "png/2ab.png": "png/2ab.png",
        "png/3ab.png": "png/3ab.png",
    }
    assert listing.records[0].metadata["sex"] == "f"
    for text in ("Of 5 rows", "1 names no image", "gone", "1 image has no row", "1 row has no patient"):
        assert any(text in note for note in listing.notes), text


def test_a_table_itself_counts_its_rows_only(tmp_path, draw):
    for name in ("x/1.png", "x/2.png", "x/3.png"):
        draw(tmp_path / name)
    for text, column in (
        ("path,class\nx/1.png,A\nx/3.png,B\n", None),
        ("n,class\n1,A\n3,B\n", "n"),
        ("n,class\n1,A\n3,B\n", None),
    ):
        (tmp_path / "some.csv").write_text(text)
        listing = listed(tmp_path / "some.csv", path_column=column)
        assert labels(listing) == {"x/1.png": "A", "x/3.png": "B"}, text
    (tmp_path / "some.csv").write_text("n,class\n7,A\n")
    with pytest.raises(SemirayError, match="no column names images"):
        listed(tmp_path / "some.csv")


def test_labels_of_a_table(tmp_path, draw):
    for name in ("N/1.png", "P/2.png", "P/3.png"):
        draw(tmp_path / name)
    (tmp_path / "t.tsv").write_text("file\tlabel\tother\n1.png\tnone\ta\n2.png\tflu\tb\n3.png\t\tb\n")
    # The table speaks where it has something to say, the folder elsewhere.
    listing = listed(tmp_path)
    assert labels(listing) == {"N/1.png": "none", "P/2.png": "flu", "P/3.png": "P"}
    (told,) = [one for one in listing.summary.advice if "No column tells the class of 1 image;" in one.text]
    assert told.option == "--classes 'flu, none'"
    assert listed(tmp_path, label_column="other").classes == ("a", "b")
    with pytest.raises(SemirayError, match="The columns are: file, label, other"):
        listed(tmp_path, label_column="nope")


def test_tables_that_name_no_image_are_passed_over(tmp_path, draw):
    draw(tmp_path / "N" / "1.png")
    draw(tmp_path / "P" / "2.png")
    (tmp_path / "costs.csv").write_text("what,euro\nbread,3\n")
    (tmp_path / "broken.csv").write_text("a,b\n1,2,3\n")
    listing = listed(tmp_path)
    assert listing.classes == ("N", "P")
    assert any("broken.csv, line 2" in one.text for one in listing.summary.advice)
    with pytest.raises(SemirayError, match=r"costs\.csv, column 'euro': no cell names an image"):
        listed(tmp_path, path_column="euro")
    with pytest.raises(SemirayError, match=r"no table has a column 'yen' \(path_column=\): broken.csv, costs.csv"):
        listed(tmp_path, path_column="yen")


def test_kermany(shared_data):
    listing = listed(shared_data / "kermany", label_from="NORMAL|virus|bacteria", patient_from=r"(person\d+)")
    assert len(listing) == 3991
    assert listing.classes == ("NORMAL", "bacteria", "virus")
    assert len({r.patient for r in listing.records if r.label == "NORMAL"}) == 1341
    by_name = listed(shared_data / "kermany")
    assert by_name.classes == ("NORMAL", "PNEUMONIA")
    assert any("preset kermany" in note for note in by_name.notes)
    assert patients(by_name) == patients(listed(shared_data / "kermany", patient_from="kermany"))


def test_hannover(shared_data):
    for data in (shared_data / "hannover", shared_data / "hannover" / "data.csv"):
        listing = listed(data, patient_from="hannover")
        assert len(listing) == 243
        assert len({r.patient for r in listing.records}) == 71
        assert listing.classes == ()
        assert listing.records[0].metadata["projection"] in ("ap", "pa")
