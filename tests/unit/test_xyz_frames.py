"""XYZ files of several frames: on the command line by number or name, in a benchmark as the home of its systems."""

import pytest

from qmbench import InputError, read_system
from qmbench.data.benchmark import load_benchmark
from qmbench.data.lint import freeze, lint_benchmark
from qmbench.data.target import find_target

FRAMES = (
    "2\nname=h2 charge=0 multiplicity=1\nH 0 0 0\nH 0 0 0.74\n\n"
    "1\nname=he charge=0 multiplicity=1\nHe 0 0 0\n"
    '1\nname=ar charge=0 multiplicity=1 pbc="T T T" Lattice="4 0 0 0 4 0 0 0 4"\nAr 0 0 0\n'
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "set.xyz"
    path.write_text(FRAMES)
    return path


def alone(tmp_path, comment, *atoms):
    path = tmp_path / "alone.xyz"
    path.write_text(f"{len(atoms)}\n{comment}\n" + "\n".join(atoms) + "\n")
    return read_system(path)


def test_a_frame_is_the_system_that_its_lines_are_alone(file, tmp_path):
    h2 = alone(tmp_path, "charge=0 multiplicity=1", "H 0 0 0", "H 0 0 0.74")
    for text in (f"{file}@1", f"{file}#h2"):
        found = find_target(text).system
        assert found == h2
        assert found.hash == h2.hash
        assert found.name == "h2"
    assert find_target(f"{file}@3").system.kind == "crystal"


def test_a_frame_without_a_name_is_called_by_its_number(tmp_path):
    (tmp_path / "a.xyz").write_text("1\ncharge=0 multiplicity=1\nHe 0 0 0\n1\ncharge=0 multiplicity=1\nNe 0 0 0\n")
    assert find_target(f"{tmp_path / 'a.xyz'}@2").system.name == "a@2"
    with pytest.raises(InputError, match="none has a name="):
        find_target(f"{tmp_path / 'a.xyz'}#b")


def test_a_file_whose_name_looks_like_a_choice_is_read(tmp_path):
    (tmp_path / "a.xyz@1").write_text(FRAMES)
    with pytest.raises(InputError, match=r"a system is"):
        find_target(str(tmp_path / "a.xyz@1"))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("", r"set\.xyz holds 3 frames; say which: .*set\.xyz@1 to .*set\.xyz@3"),
        ("@4", "has 3 frames, counted from 1; there is no frame '4'"),
        ("@0", "there is no frame '0'"),
        ("@two", "there is no frame 'two'"),
        ("#h3", "has no frame called 'h3'; did you mean 'he' or 'h2'"),
    ],
)
def test_a_wrong_choice_is_told_what_there_is(file, choice, message):
    with pytest.raises(InputError, match=message):
        find_target(f"{file}{choice}")


def test_a_last_frame_that_is_cut_off_is_named_by_its_line(file):
    whole = file.read_text().rstrip().split("\n")
    file.write_text("\n".join(whole[:-1]) + "\n")
    with pytest.raises(
        InputError, match=r"set\.xyz, line \d+: frame 3 is cut off: 1 atoms announced, 0 lines"
    ) as error:
        find_target(str(file))
    line = int(str(error.value).split("line ")[1].split(":")[0])
    assert whole[line - 1].strip() == "1"
    assert find_target(f"{file}@1").system.n_parts


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("He 0 0 0", "He 0 0 x", r"set\.xyz, line 8 \(frame 2\): an atom is a symbol and three numbers"),
        ("name=he charge=0", "name=he charge=1", r"set\.xyz, line 7 \(frame 2\): multiplicity 1 is impossible"),
        ("He 0 0 0", "Hx 0 0 0", r"set\.xyz, line 8 \(frame 2\): unknown element 'Hx'"),
        ("1\nname=he", "2\nname=he", r"set\.xyz, line 10: a frame begins with the number of its atoms, not 'name=ar"),
        ("\n1\nname=he", "\nname=he", r"set\.xyz, line 6: a frame begins .* not 'name=he .*; frame 1 begins in line 1"),
    ],
)
def test_errors_name_the_line_of_the_file(file, old, new, message):
    assert old in FRAMES
    file.write_text(FRAMES.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_system(f"{file}@2")


def test_two_frames_of_one_name_are_told_apart_by_number(file):
    file.write_text(FRAMES.replace("name=ar", "name=he"))
    with pytest.raises(InputError, match=r"frames 2 and 3 are both called 'he'; write .*set\.xyz@2"):
        read_system(f"{file}#he")


def test_a_last_frame_that_ends_early_is_refused(file):
    file.write_text("1\nname=he charge=0 multiplicity=1\nHe 0 0 0\n2\nname=x charge=0 multiplicity=1\nHe 0 0 0\n")
    with pytest.raises(InputError, match=r"line 4 \(frame 2\): 2 atoms announced, 1 lines of atoms found"):
        read_system(f"{file}@2")


@pytest.fixture
def framed(folder):
    """The toy benchmark with all its systems in one file."""
    text = ""
    for path in sorted((folder / "systems").iterdir()):
        count, comment, *rest = path.read_text().split("\n")
        text += "\n".join([count, f"name={path.stem} {comment}", *rest])
    hashes = {name: load_benchmark(folder).system(name).hash for name in load_benchmark(folder).system_ids}
    for path in (folder / "systems").iterdir():
        path.unlink()
    (folder / "systems.xyz").write_text(text)
    return folder, hashes


def test_a_benchmark_may_keep_its_systems_in_one_file(framed):
    folder, hashes = framed
    b = load_benchmark(folder)
    assert {name: b.system(name).hash for name in b.system_ids} == hashes
    assert b.system("he2").name == "toy_bench:he2"
    assert len(b.system("he2").fragments) == 2


def test_hashes_freeze_frames(framed):
    folder, hashes = framed
    assert freeze(folder) == len(hashes)
    assert not [f for f in lint_benchmark(folder) if f.severity == "error"]
    path = folder / "systems.xyz"
    path.write_text(path.read_text().replace("He 0 0 3.0", "He 0 0 3.1"))
    assert any("system 'he2' has changed since version 1.0.0" in f.message for f in lint_benchmark(folder))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name=he2 ", "", "has no name; write name= into its comment line"),
        ("name=he2_far ", "name=he2 ", "there is another system 'he2'"),
        ("name=he2 ", "name=he/2 ", "can't be the name of a system"),
        ("He 0 0 3.0", "He 0 0 0.0", r"systems\.xyz, line \d+ \(frame 3\): atoms 1 and 2 are on one spot"),
    ],
)
def test_a_mistake_in_one_frame_is_named(framed, old, new, message):
    folder, _ = framed
    path = folder / "systems.xyz"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    errors = [f.message for f in lint_benchmark(folder) if f.severity == "error"]
    import re

    assert any(re.search(message, text) for text in errors), errors


def test_a_frame_and_a_file_of_one_name_are_refused(framed):
    folder, _ = framed
    (folder / "systems" / "he.xyz").write_text("1\ncharge=0 multiplicity=1\nHe 0 0 0\n")
    with pytest.raises(InputError, match="there is another system 'he'"):
        _ = load_benchmark(folder).system_ids
