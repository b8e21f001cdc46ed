"""Small sets of the kinds that are published: names, tables and folders as theirs, images of noise."""

from __future__ import annotations

from collections import Counter

import numpy as np
import openpyxl

from semiray.radiographs.reading.options import reading_options
from semiray.radiographs.reading.readers import read_records


def listed(data, **options):
    return read_records(data, reading_options(options))


def classes(listing):
    return dict(Counter(record.label for record in listing.records))


def patients(listing):
    return len({record.patient for record in listing.records})


def parts(listing):
    return dict(Counter(record.metadata.get("split") for record in listing.records))


def write(path, header, rows, delimiter=",", encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [delimiter.join(header)] if header else []
    path.write_bytes("\n".join([*lines, *(delimiter.join(map(str, row)) for row in rows), ""]).encode(encoding))


def test_openi(tmp_path, draw):
    projections, reports = [], []
    for uid in range(1, 13):
        for view, number in (("Frontal", 1001), ("Lateral", 2001)):
            name = f"{uid}_IM-{uid + 100:04d}-{number}.dcm.png"
            draw(tmp_path / "images" / "images_normalized" / name, seed=uid)
            projections.append([uid, name, view])
        problems = ("normal", "Cardiomegaly;Effusion", "Effusion")[uid % 3]
        reports.append([uid, f"Report {uid}", problems, f'"The heart of {uid} is large; no effusion. Unchanged."'])
    write(tmp_path / "indiana_projections.csv", ["uid", "filename", "projection"], projections)
    write(tmp_path / "indiana_reports.csv", ["uid", "image", "Problems", "findings"], reports)
    listing = listed(tmp_path)
    assert (len(listing), patients(listing)) == (24, 12)
    assert listing.findings.names == ("Cardiomegaly", "Effusion", "normal")
    assert (listing.findings.states == 1).sum(axis=0).tolist() == [8, 16, 8]
    assert len(listed(tmp_path, keep="projection == 'Frontal'")) == 12


def test_lists_of_covidx(tmp_path, draw):
    for part, count in (("train", 24), ("test", 12)):
        rows = []
        for i in range(count):
            name = f"{part}{i}.png"
            draw(tmp_path / part / name, seed=i)
            rows.append(
                [f"p{part}{i // 2}", name, ("COVID-19", "normal", "pneumonia")[i % 3], ("cohen", "rsna")[i % 2]]
            )
        write(tmp_path / f"{part}_COVIDx9A.txt", None, rows, " ")
    listing = listed(tmp_path)
    assert classes(listing) == {"COVID-19": 12, "normal": 12, "pneumonia": 12}
    assert patients(listing) == 18
    assert parts(listing) == {"train": 24, "test": 12}
    assert any("no header" in note for note in listing.notes)


def test_shenzhen(tmp_path, draw):
    for i in range(12):
        name = f"CHNCXR_{i:04d}_{i % 2}"
        draw(tmp_path / "ChinaSet_AllFiles" / "CXR_png" / f"{name}.png", seed=i)
        draw(tmp_path / "ChinaSet_AllFiles" / "mask" / f"{name}_mask.png", seed=i)
        write(tmp_path / "ChinaSet_AllFiles" / "ClinicalReadings" / f"{name}.txt", None, [["normal"]])
    listing = listed(tmp_path)
    assert len(listing) == 12
    assert listing.summary.left_out == {"masks": 12}
    assert listing.classes == ()
    (proposed,) = [one.option for one in listing.summary.advice if "--label-from" in one.option]
    assert classes(listed(tmp_path, label_from=proposed.split("'")[1])) == {"0": 6, "1": 6}


def test_siim(tmp_path, draw):
    image_rows, study_rows = [], []
    names = ["Negative for Pneumonia", "Typical Appearance", "Indeterminate Appearance", "Atypical Appearance"]
    rng = np.random.default_rng(0)
    for i in range(16):
        study, series, image = (bytes(rng.integers(0, 256, 6, np.uint8)).hex() for _ in range(3))
        draw(tmp_path / "train" / study / series / f"{image}.png", seed=i)
        image_rows.append([f"{image}_image", f"opacity 1 {i} {i} {i + 9} {i + 9}", study])
        study_rows.append([f"{study}_study", *(int(j == i % 4) for j in range(4))])
    write(tmp_path / "train_image_level.csv", ["id", "label", "StudyInstanceUID"], image_rows)
    write(tmp_path / "train_study_level.csv", ["id", *names], study_rows)
    assert classes(listed(tmp_path)) == dict.fromkeys(names, 4)


def test_radiography_database_with_its_workbooks(tmp_path, draw):
    for name in ("COVID", "Normal", "Viral Pneumonia"):
        book = openpyxl.Workbook()
        book.active.append(["FILE NAME", "FORMAT", "SIZE", "URL"])
        for i in range(3):
            draw(tmp_path / name / "images" / f"{name}-{i}.png", seed=i)
            draw(tmp_path / name / "masks" / f"{name}-{i}.png", seed=i)
            book.active.append([f"{name.upper()}-{i}", "PNG", "256*256", f"https://{name}"])
        book.save(tmp_path / f"{name}.metadata.xlsx")
    listing = listed(tmp_path)
    assert classes(listing) == {"COVID": 3, "Normal": 3, "Viral Pneumonia": 3}
    assert all(record.metadata["FORMAT"] == "PNG" for record in listing.records)
    assert listing.summary.left_out == {"masks": 9}


def test_bimcv(tmp_path, draw):
    labels = []
    for i in range(12):
        for view in ("ap", "ll"):
            folder = tmp_path / f"sub-S{i:05d}" / f"ses-E{i + 70:05d}" / "mod-rx"
            draw(folder / f"sub-S{i:05d}_ses-E{i + 70:05d}_run-1_bp-chest_vp-{view}_dx.png", seed=i)
        labels.append([f"sub-S{i:05d}", f"ses-E{i + 70:05d}", f"\"['COVID 19', 'x{i % 2}']\""])
    write(tmp_path / "labels.tsv", ["PatientID", "ReportID", "Labels"], labels, "\t")
    listing = listed(tmp_path)
    assert patients(listing) == 12
    assert listing.findings.names == ("COVID 19", "x0", "x1")
    assert (listing.findings.states == 1).sum(axis=0).tolist() == [24, 12, 12]


def test_dated_and_hashed_folders_and_a_table_in_utf_16(tmp_path, draw):
    rows = []
    for i in range(12):
        name = f"2020-03-{i % 3 + 1:02d}/{i:032x}/image.png"
        draw(tmp_path / name, seed=i)
        rows.append([name, f"{i // 2}", ("ill", "well")[i % 2], "3,5"])
    write(tmp_path / "table.csv", ["path", "Patient No", "diagnosis", "weight"], rows, ";", "utf-16")
    listing = listed(tmp_path)
    assert classes(listing) == {"ill": 6, "well": 6}
    assert patients(listing) == 6
    assert len(listed(tmp_path, keep="weight > 3")) == 12


def test_a_split_column_and_paths_from_the_parent(tmp_path, draw):
    rows = []
    for i in range(12):
        draw(tmp_path / "mine" / "images" / f"{i}.png", seed=i)
        rows.append([f"mine/images/{i}.png", ("train", "val", "test")[i % 3], f"case{i}", "ab"[i % 2]])
    write(tmp_path / "mine" / "all.csv", ["image_path", "split", "Case ID", "class"], rows)
    listing = listed(tmp_path / "mine")
    assert parts(listing) == {"train": 4, "validation": 4, "test": 4}
    assert classes(listing) == {"a": 6, "b": 6}
    assert any("--official-split" in one.option for one in listing.summary.advice)


def test_a_table_for_each_part(tmp_path, draw):
    for part, numbers in (("train", range(8)), ("val", range(8, 12))):
        for i in numbers:
            draw(tmp_path / "images" / f"{i}.png", seed=i)
        write(tmp_path / f"{part}.csv", ["image", "label"], [[f"{i}.png", "ab"[i % 2]] for i in numbers])
    listing = listed(tmp_path)
    assert parts(listing) == {"train": 8, "validation": 4}
    assert classes(listing) == {"a": 6, "b": 6}


def test_patients_are_folders_in_classes(tmp_path, draw):
    for i in range(12):
        for j in range(2):
            draw(tmp_path / ("NORMAL", "SICK")[i % 2] / f"patient_{i:03d}" / f"{j}.png", seed=i)
    listing = listed(tmp_path)
    assert classes(listing) == {"NORMAL": 12, "SICK": 12}
    assert patients(listing) == 12


def test_rows_in_conflict_are_told_of(tmp_path, draw):
    rows = [[f"{i}.png", "ab"[i % 2]] for i in range(40)]
    for name, _ in rows:
        draw(tmp_path / name)
    write(tmp_path / "t.csv", ["file", "label"], [*rows, ["3.png", "a"]])
    listing = listed(tmp_path)
    assert classes(listing) == {"a": 20, "b": 20}
    assert any("1 image has rows with different labels" in one.text for one in listing.summary.advice)


def test_findings_by_name_and_how_unknown_cells_are_read(tmp_path, draw):
    names = ["No Finding", "Cardiomegaly", "Edema"]
    cells = [["1.0", "", ""], ["", "1.0", "-1.0"], ["", "0.0", "1.0"], ["", "1.0", "1.0"]] * 3
    for i in range(12):
        draw(tmp_path / f"view{i}.png", seed=i)
    write(tmp_path / "t.csv", ["Path", *names], [[f"view{i}.png", *cells[i]] for i in range(12)])
    listing = listed(tmp_path, findings="Edema, Cardiomegaly")
    assert listing.findings.names == ("Edema", "Cardiomegaly")
    np.testing.assert_array_equal(listing.findings.values[:4, 0], [np.nan, np.nan, 1, 1])
    read = listed(tmp_path, uncertain="positive", blank="negative")
    order = [record.key for record in read.records].index("view1.png")
    assert read.findings.values[order].tolist() == [0, 1, 1]
    assert listed(tmp_path, findings="none").findings.names == ()
    two = listed(tmp_path, classes="Cardiomegaly, Edema", blank="negative")
    assert classes(two) == {"Cardiomegaly": 3, "Edema": 3}
    assert two.summary.left_out["of several classes"] == 3
    assert len(two.findings.values) == len(two)


def fill(folder, draw, names):
    """Images of these names, all different."""
    for seed, name in enumerate(names):
        draw(folder / name, seed=seed)


def test_numbers_in_a_table_are_no_names_of_images(tmp_path, draw):
    fill(tmp_path, draw, [f"{'NP'[i % 2]}/{i}.png" for i in range(30, 60)])
    write(tmp_path / "people.csv", ["age", "sex", "label"], [[i, "mf"[i % 2], "x"] for i in range(30, 60)])
    assert classes(listed(tmp_path)) == {"N": 15, "P": 15}


def test_a_manifest_of_synthetic_images_says_nothing_of_radiographs(tmp_path, draw):
    fill(tmp_path, draw, [f"{'NP'[i % 2]}/{i}.png" for i in range(12)])
    fill(tmp_path / "made", draw, [f"{i:06d}.png" for i in range(12)])
    write(
        tmp_path / "made" / "manifest.csv", ["index", "file", "label"], [[i, f"{i:06d}.png", "fake"] for i in range(12)]
    )
    listing = read_records(
        tmp_path, reading_options({}), lambda path: "synthetic images" * (path.parent.name == "made")
    )
    assert classes(listing) == {"N": 6, "P": 6}
    assert listing.summary.left_out == {"synthetic images": 12, "semiray output": 1}


def test_folders_of_people_and_hashes_are_no_classes(tmp_path, draw):
    fill(tmp_path / "a", draw, [f"CXR{i}_IM-{i}/{j}.png" for i in range(20) for j in range(2)])
    fill(tmp_path / "b", draw, [f"{name}/{i}.png" for name in ("00", "1f", "ba", "cf", "f3", "7e") for i in range(4)])
    for name in "ab":
        assert listed(tmp_path / name).classes == ()


def test_a_wrapper_that_names_a_disease_is_no_class(tmp_path, draw):
    fill(tmp_path, draw, [f"chestxray_pneumonia_v2/{i}.png" for i in range(4)])
    assert listed(tmp_path).classes == ()


def test_one_hot_vectors_are_classes(tmp_path, draw):
    fill(tmp_path, draw, [f"00000/{i}.png" for i in range(6)])
    rows = ", ".join(f'["00000/{i}.png", [{", ".join(str(int(i % 3 == j)) for j in range(3))}]]' for i in range(6))
    (tmp_path / "dataset.json").write_text(f'{{"labels": [{rows}]}}')
    assert classes(listed(tmp_path)) == {"0": 2, "1": 2, "2": 2}


def test_quotes_that_swallow_lines_are_told_of(tmp_path, draw):
    fill(tmp_path, draw, [f"{i}.png" for i in range(12)])
    rows = [[f"{i}.png", f'"{i}' if i in (3, 8) else i, "ab"[i % 2]] for i in range(12)]
    write(tmp_path / "t.csv", ["file", "site no", "label"], rows)
    assert "quote" in " ".join(listed(tmp_path).summary.lines())


def test_ids_without_zeros_and_as_decimals_name_images(tmp_path, draw):
    for name, cell in (("zeros", "{}"), ("decimals", "{}.0")):
        fill(tmp_path / name, draw, [f"{i:05d}.png" for i in range(1, 13)])
        write(tmp_path / name / "t.csv", ["image id", "label"], [[cell.format(i), "ab"[i % 2]] for i in range(1, 13)])
        assert classes(listed(tmp_path / name)) == {"a": 6, "b": 6}


def test_the_same_names_in_two_parts_belong_to_the_tables_there(tmp_path, draw):
    for part, label in (("train", "ab"), ("test", "ba")):
        fill(tmp_path, draw, [f"{part}/{i:03d}.png" for i in range(8)])
        write(tmp_path / part / "labels.csv", ["file", "label"], [[f"{i:03d}.png", label[i % 2]] for i in range(8)])
    listing = listed(tmp_path)
    assert classes(listing) == {"a": 8, "b": 8}
    assert parts(listing) == {"train": 8, "test": 8}


def test_a_bad_row_is_left_out_and_named_and_many_are_refused(tmp_path, draw):
    fill(tmp_path, draw, [f"{i}.png" for i in range(30)])
    rows = [[f"{i}.png", "ab"[i % 2]] for i in range(30)]
    write(tmp_path / "t.csv", ["file", "label"], [*rows[:9], ["9.png", "a", "or b"], *rows[10:]])
    listing = listed(tmp_path)
    assert sum(classes(listing)[name] for name in "ab") == 29
    assert any("1 row has more cells" in note for note in listing.notes)
    write(tmp_path / "t.csv", ["file", "label"], [[*row, "or b"] for row in rows])
    assert any("30 cells" in one.text or "line 2: 3 cells" in one.text for one in listed(tmp_path).summary.advice)


def test_columns_that_may_be_labels_are_proposed(tmp_path, draw):
    fill(tmp_path, draw, [f"{i}.png" for i in range(30)])
    write(tmp_path / "t.csv", ["file", "severity", "sex"], [[f"{i}.png", i % 3, "mf"[i % 2]] for i in range(30)])
    (option,) = [one.option for one in listed(tmp_path).summary.advice if "--label-column" in one.option]
    assert option == "--label-column 'severity'"


def test_the_same_radiographs_in_two_formats_are_told_of(tmp_path, draw):
    fill(tmp_path, draw, [f"{kind}/scan{i:03d}.{kind}" for kind in ("png", "jpg") for i in range(8)])
    assert any("same radiographs twice" in one.text for one in listed(tmp_path).summary.advice)


def test_classes_after_the_number_of_a_study(tmp_path, draw):
    fill(tmp_path, draw, [f"XR/patient{i:05d}/study1_{'positive' if i % 2 else 'negative'}/1.png" for i in range(12)])
    listing = listed(tmp_path)
    assert classes(listing) == {"positive": 6, "negative": 6}
    assert patients(listing) == 12


def test_phantoms_inside_a_set_and_files_of_unknown_kind_are_counted(tmp_path, draw):
    fill(tmp_path, draw, [f"{'NP'[i % 2]}/{i}.png" for i in range(12)])
    fill(tmp_path / "toys", draw, [f"normal/phantom_{i}.png" for i in range(3)])
    (tmp_path / "toys" / "factors.csv").write_text("file,label\n")
    (tmp_path / "N" / "what.xyz").write_bytes(b"?")
    listing = listed(tmp_path)
    assert len(listing) == 12
    assert listing.summary.left_out == {"semiray output": 3, "files of unknown kind": 1}


def test_a_title_above_the_header_of_a_workbook_is_passed_over(tmp_path, draw):
    fill(tmp_path, draw, [f"{i}.png" for i in range(12)])
    book = openpyxl.Workbook()
    for row in (["Export of 2024"], ["file", "diagnosis"], *([f"{i}.png", "ab"[i % 2]] for i in range(12))):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    assert classes(listed(tmp_path)) == {"a": 6, "b": 6}


def test_three_tables_are_joined_one_by_the_other(tmp_path, draw):
    fill(tmp_path, draw, [f"{i:04d}x.png" for i in range(12)])
    write(tmp_path / "images.csv", ["image", "study_id"], [[f"{i:04d}x.png", f"s{i // 2}"] for i in range(12)])
    write(tmp_path / "patients.csv", ["patient_id", "label"], [[f"p{i}", "ab"[i % 2]] for i in range(3)])
    write(tmp_path / "studies.csv", ["study_id", "patient_id"], [[f"s{i}", f"p{i // 2}"] for i in range(6)])
    listing = listed(tmp_path)
    assert patients(listing) == 3
    assert classes(listing) == {"a": 8, "b": 4}
