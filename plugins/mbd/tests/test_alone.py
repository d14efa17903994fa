"""The models alone as levels of theory, of molecules and crystals, and through the command line."""

import dataclasses
import json

import numpy as np
import pytest

from qmbench import (
    Crystal,
    Fragment,
    InputError,
    Molecule,
    NotConverged,
    Resources,
    Unsupported,
    parse_level,
    read_system,
)
from qmbench.cli import run
from qmbench_mbd.parameters import LIBMBD_BOHR_IN_ANGSTROM, from_volume_ratios
from qmbench_mbd.quanta import bogoliubov, pair_energies

MBD = "mbd?damping=pbe&ratios=free"
R = 4 / LIBMBD_BOHR_IN_ANGSTROM
PAIR = Molecule(("Ar", "Ar"), ((0, 0, 0), (0, 0, R)), 0, 1, (Fragment((0,), 0, 1), Fragment((1,), 0, 1)), name="ar2")
CELL = ((9.1, 0.2, -0.3), (4.2, 8.3, 0.1), (0.4, -0.5, 9.7))
CRYSTAL = Crystal(("Ar", "Ne", "O", "O"), ((0.1, 0, 0), (4.4, 3.9, 5.2), (2.0, 7.0, 3.1), (3.1, 7.9, 4.9)), CELL, 0, 1)
MODELS = ("ts", "mbd", "mbd-scs", "mbd-ts")


def compute(level: str, system, *properties: str):
    method = parse_level(level).make()
    method.check(system, frozenset(properties))
    return method.run(system, frozenset(properties), Resources())


def energy(level: str, system) -> float:
    return compute(level, system, "dispersion_energy").properties["dispersion_energy"].value


def five_point(f, h: float) -> float:
    return (f(-2 * h) - 8 * f(-h) + 8 * f(h) - f(2 * h)) / (12 * h)


def test_argon_pair_is_libmbds():
    found = compute(MBD, PAIR, "dispersion_energy", "dispersion_pair_energies", "forces")
    assert found.properties["dispersion_energy"].value == pytest.approx(-0.0002462647623815428, abs=1e-12)
    assert found.properties["dispersion_pair_energies"].value.sum() == pytest.approx(-0.0002462647623815428, abs=1e-12)
    assert found.settings["damping_parameter"] == 0.83
    assert energy("ts?damping=pbe&ratios=free", PAIR) != pytest.approx(-0.000246, rel=0.1)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ratios", ["free", "0.9,1.1"])
def test_forces_of_a_molecule(model, ratios):
    level = f"{model}?damping=pbe&ratios={ratios}"
    forces = compute(level, PAIR, "forces").properties["forces"].value

    def at(h: float) -> float:
        return energy(level, dataclasses.replace(PAIR, positions=((0, 0, 0), (0, 0, R + h))))

    assert forces[1, 2] == pytest.approx(-five_point(at, 4e-3), rel=1e-6)
    assert forces[0] == pytest.approx(-forces[1], abs=1e-15)


@pytest.mark.parametrize("model", MODELS)
def test_derivative_by_the_ratios(model):
    positions = ((0.2, 0.1, 0.0), (0.0, 0.3, R), (5.5, -0.4, 1.0))
    trimer = Molecule(("Ar", "Ne", "C"), positions, 0, 1, name="trimer")
    ratios = np.array([0.95, 1.05, 0.8])

    def at(h: float, atom: int) -> float:
        text = ",".join(map(repr, (ratios + h * np.eye(3)[atom]).tolist()))
        return energy(f"{model}?damping=pbe&ratios={text}", trimer)

    found = compute(f"{model}?damping=pbe&ratios=0.95,1.05,0.8", trimer, "dispersion_ratio_gradient").properties
    assert set(found) == {"dispersion_ratio_gradient"}
    numeric = [five_point(lambda h, k=k: at(h, k), 4e-3) for k in range(3)]
    assert found["dispersion_ratio_gradient"].value == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_forces_and_stress_of_a_crystal(model):
    grid = "" if model == "ts" else "&k_grid=1,1,2"
    level = f"{model}?damping=pbe{grid}&ratios=0.9,1.0,0.7,0.8"
    found = compute(level, CRYSTAL, "forces", "stress", "dispersion_energy").properties
    x, lattice = CRYSTAL.coordinates, CRYSTAL.lattice_vectors
    rng = np.random.default_rng(4)
    shift, strain = rng.normal(size=(4, 3)), rng.normal(size=(3, 3))
    strain = strain + strain.T

    def moved(h: float) -> float:
        return energy(level, dataclasses.replace(CRYSTAL, positions=x + h * shift))

    def strained(h: float) -> float:
        deform = np.eye(3) + h * strain
        return energy(level, dataclasses.replace(CRYSTAL, positions=x @ deform.T, cell=lattice @ deform.T))

    assert found["dispersion_energy"].value == pytest.approx(energy(level, CRYSTAL), rel=1e-12)
    assert np.sum(found["forces"].value * shift) == pytest.approx(-five_point(moved, 3e-3), rel=1e-6)
    assert np.sum(found["stress"].value * strain) * CRYSTAL.volume == pytest.approx(
        five_point(strained, 3e-4), rel=1e-6
    )


@pytest.mark.parametrize("model", ["mbd", "mbd-scs"])
def test_a_wide_crystal_is_its_molecule(model):
    level = f"{model}?damping=pbe&ratios=free"
    alone = energy(level, PAIR)

    def off(width: float) -> float:
        wide = Crystal(PAIR.symbols, PAIR.positions, tuple(map(tuple, width * np.eye(3))), 0, 1)
        return energy(f"{level}&k_grid=1,1,1", wide) / alone - 1

    # what is left is the field of the images, which falls as the fifth power of the width in an antiperiodic cube
    assert abs(off(60)) < 3e-3
    assert off(60) / off(90) == pytest.approx(1.5**5, rel=0.05)


def test_a_supercell_has_the_energy_of_its_cells():
    double = Crystal(
        CRYSTAL.symbols * 2,
        np.concatenate([CRYSTAL.coordinates, CRYSTAL.coordinates + CRYSTAL.lattice_vectors[2]]),
        (CELL[0], CELL[1], tuple(2 * x for x in CELL[2])),
        0,
        1,
    )
    level = "mbd-ts?damping=pbe&ratios=free&k_grid="
    assert energy(level + "2,2,1", double) == pytest.approx(2 * energy(level + "2,2,2", CRYSTAL), rel=1e-11)


def test_pair_energies_say_which_atoms_talk():
    chain = Molecule(("Ar",) * 3, ((0, 0, 0), (0, 0, 7.2), (0, 0, 18.0)), 0, 1)
    found = compute("mbd-ts?damping=pbe&ratios=free", chain, "dispersion_pair_energies").properties
    o = from_volume_ratios(chain.coordinates, list(chain.symbols), np.ones(3))
    pairs = found["dispersion_pair_energies"].value
    assert pairs == pytest.approx(pair_energies(bogoliubov(o, 0.81)), abs=1e-15)
    assert pairs[0, 1] < pairs[1, 2] < pairs[0, 2] < 0


def test_the_stochastic_solver_alone():
    rng = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), -1).reshape(-1, 3) * 6.0
    cluster = Molecule(("C", "N") * 32, grid + rng.uniform(-0.4, 0.4, grid.shape), 0, 1)
    dense = energy(MBD, cluster)
    level = f"{MBD}&solver=stochastic&probes=48"
    found = compute(level, cluster, "dispersion_energy").properties["dispersion_energy"]
    assert abs(found.value - dense) < 4 * found.uncertainty
    assert 0 < found.uncertainty < 0.02 * abs(dense)
    assert parse_level(level).make().is_stochastic()
    with pytest.raises(Unsupported, match="dispersion_energy only, not forces"):
        compute(level, cluster, "forces")


@pytest.mark.parametrize(
    ("level", "system", "properties", "error", "message"),
    [
        (MBD, PAIR, "energy", Unsupported, "does not give energy"),
        (MBD, PAIR, "stress", Unsupported, "stress belongs to a crystal"),
        (MBD + "&k_grid=2,2,2", PAIR, "c6", InputError, "k_grid belongs to crystals"),
        (MBD, CRYSTAL, "forces", InputError, "a crystal needs k points; write k_grid=4,4,4"),
        (MBD + "&k_grid=1,1,1", CRYSTAL, "c6", Unsupported, "no c6 of crystals; dispersion_energy, forces, stress"),
        (MBD + "&k_grid=1,1,1&solver=stochastic", CRYSTAL, "forces", Unsupported, "for molecules"),
        ("mbd?damping=pbe&ratios=1", PAIR, "c6", InputError, "1 ratios for the 2 atoms of ar2"),
        (
            MBD,
            dataclasses.replace(PAIR, multiplicity=3, fragments=()),
            "c6",
            Unsupported,
            "charge 0 and multiplicity 1 of",
        ),
        (MBD, Molecule(("Na",), ((0, 0, 0),), 1, 1), "c6", Unsupported, "charge 0 and multiplicity 2 of Na+"),
        (MBD, Molecule(("Og",), ((0, 0, 0),), 0, 1), "c6", Unsupported, "polarizability for Og"),
        (MBD, PAIR.fragment(1, ghosts=True), "c6", Unsupported, "no ghosts"),
    ],
)
def test_what_is_refused(level, system, properties, error, message):
    with pytest.raises(error, match=message.replace("+", r"\+")):
        compute(level, system, properties)


@pytest.mark.parametrize(
    ("level", "message"),
    [
        ("mbd", "ratios: Field required|damping: Field required"),
        ("mbd?ratios=free", "damping: Field required"),
        ("mbd?damping=blyp&ratios=free", "'pbe', 'pbe0' or 'hse06', not 'blyp'"),
        ("ts?damping=pbe&ratios=free&k_grid=1,1,1", "ts has no option 'k_grid'"),
        (
            "mbd?damping=pbe&ratios=1,-1",
            "one positive number an atom with commas between, or the word free, not '1,-1'",
        ),
        ("mbd?damping=pbe&ratios=nan", "one positive number"),
        (MBD + "&k_grid=2,2", "three numbers of k points"),
        (MBD + "&k_grid=2,2,0", "three numbers of k points"),
        ("mbd/def2-svp?damping=pbe&ratios=free", "takes no basis"),
    ],
)
def test_wrong_levels_are_refused(level, message):
    with pytest.raises(InputError, match=message):
        parse_level(level)


def test_a_model_that_needs_a_density_says_so():
    with pytest.raises(Unsupported, match=r"write pbe\+mbd-nl/def2-tzvpd"):
        parse_level("mbd-nl?damping=pbe")


def test_atoms_are_in_their_ground_states():
    nitrogen = Molecule(("N",), ((0, 0, 0),), 0, 4)
    assert compute(MBD, nitrogen, "c6").properties["c6"].value == pytest.approx(24.2)
    with pytest.raises(Unsupported, match="multiplicity 4 of N"):
        compute(MBD, dataclasses.replace(nitrogen, multiplicity=2), "c6")
    # of a density's ratios the state is known
    assert compute("mbd?damping=pbe&ratios=0.9", dataclasses.replace(nitrogen, multiplicity=2), "c6")


LITHIUM = """1
charge=0 multiplicity=2 pbc="T T T" Lattice="-1.7385 1.7385 1.7385 1.7385 -1.7385 1.7385 1.7385 1.7385 -1.7385"
Li 0 0 0
"""
CAESIUM = "4\ncharge=0 multiplicity=1\n" + "".join(f"{s} 0 0 {2.1 * i}\n" for i, s in enumerate(("Cs", "K", "Cs", "K")))


@pytest.fixture
def command(tmp_path, monkeypatch, capfd):
    """`qmbench compute … --json` in an empty folder: its exit code and document."""

    def call(*words: str) -> tuple[int, dict]:
        code = run(["compute", *words, "--json", "--store", "store.sqlite"])
        return code, json.loads(capfd.readouterr().out)

    monkeypatch.chdir(tmp_path)
    return call


@pytest.mark.parametrize(
    ("level", "text", "named"),
    [
        (f"{MBD}&k_grid=4,4,4", LITHIUM, ("at k = [", "imaginary: mode 1 (ω² = -", "atoms 1)")),
        ("mbd-ts?damping=pbe&ratios=free", CAESIUM, ("imaginary: mode 1 (ω² = -", ", atoms ")),
        (MBD, CAESIUM, ("negative mode", "mode 1 (-", ", atoms ")),
    ],
    ids=["crystal", "unscreened", "screened"],
)
def test_a_catastrophe_on_the_command_line(tmp_path, command, level, text, named):
    (tmp_path / "hostile.xyz").write_text(text)
    code, document = command(level, "hostile.xyz", "-p", "dispersion_energy")
    assert code == 1
    assert (document["status"], document["failure"]["kind"]) == ("failed", "not_converged")
    assert all(words in document["failure"]["message"] for words in named), document["failure"]["message"]
    assert document["properties"] == {}
    system = read_system(tmp_path / "hostile.xyz")
    with pytest.raises(NotConverged, match="catastrophe"):
        compute(level, system, "forces")


def test_a_crystal_on_the_command_line(tmp_path, command):
    (tmp_path / "argon.xyz").write_text(
        '1\ncharge=0 multiplicity=1 pbc="T T T" Lattice="4 0 0 0 4 0 0 0 4"\nAr 0 0 0\n'
    )
    asked = ("-p", "dispersion_energy", "-p", "forces", "-p", "stress")
    code, document = command(f"{MBD}&k_grid=2,2,2", "argon.xyz", *asked)
    assert code == 0
    stress = np.array(document["properties"]["stress"]["value"])
    assert document["properties"]["stress"]["unit"] == "hartree/bohr3"
    assert stress == pytest.approx(stress[0, 0] * np.eye(3), abs=1e-12)
    assert np.abs(document["properties"]["forces"]["value"]).max() < 1e-12
    code, document = command("pbe+mbd/sto-3g", "argon.xyz")
    assert code == 1
    assert document["failure"]["message"] == "pbe+mbd does not do crystal systems; it does: molecule"


def test_which_atoms_talk_to_which_is_printed_and_drawn(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trimer.xyz").write_text("3\ncharge=0 multiplicity=1\nAr 0 0 0\nAr 0 0 3.8\nKr 0 3.0 9.0\n")
    asked = ["compute", MBD, "trimer.xyz", "-p", "dispersion_pair_energies", "--store", "s.sqlite"]
    assert run([*asked, "--figure", "trimer.svg"]) == 0
    printed = [line.split() for line in capfd.readouterr().out.splitlines() if "–" in line]
    assert [line[1] for line in printed] == ["Ar1–Ar2", "Ar2–Kr3", "Ar1–Kr3"]
    pairs = compute(MBD, read_system(tmp_path / "trimer.xyz"), "dispersion_pair_energies").properties
    assert float(printed[0][2]) == pytest.approx(pairs["dispersion_pair_energies"].value[0, 1], rel=1e-4)
    assert "Kr3" in (tmp_path / "trimer.svg").read_text()
    for wrong in (["-p", "c6"], []):
        assert run(["compute", MBD, "trimer.xyz", *wrong, "--store", "s.sqlite", "--figure", "x.svg"]) == 3
        assert "dispersion_correlations, dispersion_pair_energies" in capfd.readouterr().err
    assert run([*asked, "--figure", "trimer.gif"]) == 3
    assert "a chart is written as .json, .svg, .png, .pdf, not '.gif'" in capfd.readouterr().err
