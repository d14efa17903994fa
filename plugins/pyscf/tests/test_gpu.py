"""backend=gpu: on a GPU against the processor, and everywhere its plumbing, with a stand-in for gpu4pyscf.

The stand-in is reached by PySCF's own `to_gpu` and computes on the processor; as with CuPy, its arrays do not turn into
NumPy's by themselves. It shows what becomes of a right result and of a wrong one, not that gpu4pyscf gives a right one:
that is what the tests marked `gpu` are for (`pytest -m gpu plugins/pyscf`).
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from qmbench import Molecule, QmbenchError, Resources, Unsupported, parse_level
from qmbench_pyscf import ScfSpecification, converged_scf, convergence, gpu
from qmbench_pyscf.specification import AddedShells

TWISTED = Molecule(("H", "O", "O", "H"), ((1.5, 1.0, 1.4), (1.36, 0, 0), (-1.36, 0, 0), (-1.5, 1.0, -1.4)), 0, 1)


@pytest.fixture(autouse=True)
def nothing_proven():
    """What one test has proven, or refused, is nothing to the next."""
    gpu._trial_difference.cache_clear()
    yield
    gpu._trial_difference.cache_clear()


@pytest.fixture
def fresh(tmp_path):
    return Resources(cores=1, artifacts=tmp_path / "artifacts", scratch=tmp_path / "scratch")


@pytest.fixture
def device():
    """The name of the GPU; where there is none, the test is skipped and says so."""
    try:
        return gpu.device_name()
    except QmbenchError as error:
        pytest.skip(f"not tested here: {error}")


class OnDevice:
    """An array of the device."""

    def __init__(self, array):
        self.array = array

    def get(self):
        return self.array

    def __array__(self, *_, **__):
        raise TypeError("implicit conversion to a NumPy array is not allowed")


def moved(value):
    return OnDevice(value) if isinstance(value, np.ndarray | np.floating) else value


class StandIn:
    """In place of gpu4pyscf and CuPy. shift(mole): error of its energies, hartree. spoil(mf): called before an SCF."""

    def __init__(self):
        self.shift, self.spoil = lambda mole: 0.0, lambda mf: None
        self.devices, self.molecules = 1, []

    def count(self):
        if isinstance(self.devices, Exception):
            raise self.devices
        return self.devices

    def modules(self):
        import pyscf.df.df
        import pyscf.dft

        runtime = SimpleNamespace(
            getDeviceCount=self.count, getDevice=lambda: 0, getDeviceProperties=lambda number: {"name": b"Stand-in 1"}
        )
        cupy, mole = ModuleType("cupy"), ModuleType("gpu4pyscf.gto.mole")
        cupy.asarray, cupy.cuda = np.asarray, SimpleNamespace(runtime=runtime)
        cupy.asnumpy = lambda array: array.get() if isinstance(array, OnDevice) else np.asarray(array)
        found = {"cupy": cupy, "gpu4pyscf.gto.mole": mole}
        fields = (pyscf.scf.hf.RHF, pyscf.scf.uhf.UHF, pyscf.dft.rks.RKS, pyscf.dft.uks.UKS)
        for kind in (*fields, pyscf.df.df.DF, pyscf.dft.gen_grid.Grids, pyscf.dft.numint.NumInt):
            name = kind.__module__.replace("pyscf", "gpu4pyscf")
            module = found.setdefault(name, ModuleType(name))
            bases = (self.kernel(), kind) if kind in fields else (kind,)
            setattr(module, kind.__name__, type(kind.__name__, bases, {"__module__": name}))
        packages = {name.rpartition(".")[0] for name in found} - {""}
        return {**{name: ModuleType(name) for name in ("gpu4pyscf", *packages)}, **found}

    def kernel(self):
        here = self

        class Kernel:
            def kernel(self, density):
                assert "DIIS" not in vars(self)  # as gpu4pyscf asserts that it is its own
                assert isinstance(density, np.ndarray)
                seen = self.callback
                self.callback = seen and (lambda loop: seen({name: moved(value) for name, value in loop.items()}))
                here.molecules.append(self.mol)
                here.spoil(self)
                super().kernel(density)
                self.e_tot += here.shift(self.mol)
                self.mo_coeff, self.mo_occ, self.mo_energy = map(moved, (self.mo_coeff, self.mo_occ, self.mo_energy))
                return self.e_tot

        return Kernel


def pretend_installed(folder, monkeypatch, **versions):
    for name, version in versions.items():
        about = folder / f"{name}-{version}.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(str(folder))


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    made = StandIn()
    for name, module in made.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    pretend_installed(tmp_path / "site", monkeypatch, gpu4pyscf_cuda12x="1.9.2", cupy_cuda12x="14.2.0")
    return made


LEVELS = [
    ("hf/6-31g", "water"),
    ("hf/6-31g", "oh"),
    ("hf/6-31g?reference=unrestricted", "water"),
    ("pbe/def2-svp?grid=1", "water"),
    ("pbe0/6-31g(d)?grid=1", "nh"),
    ("pbe/def2-svp?density_fitting=true&grid=1", "nh"),
    ("hf/def2-svp?density_fitting=true", "water"),
]


def on_gpu(level):
    return level + ("&" if "?" in level else "?") + "backend=gpu"


@pytest.mark.parametrize(("level", "system"), LEVELS)
def test_the_whole_way_leads_to_the_energy_of_the_processor(level, system, run, fresh, stand_in):
    expected = run(level, system)
    found = run(on_gpu(level), system, with_resources=fresh)
    assert found.properties["energy"].value == pytest.approx(expected.properties["energy"].value, abs=1e-9)
    about = dict(found.settings["gpu"])
    assert abs(about.pop("trial_difference")) < 1e-9
    assert abs(about.pop("difference")) < 1e-9
    is_open = system != "water" or "unrestricted" in level
    trial = f"{'water cation' if is_open else 'water'}, {level.partition('/')[0]}/def2-svp"
    assert about.pop("trial").lower() == trial
    assert about == {
        "device": "Stand-in 1",
        "versions": {"gpu4pyscf-cuda12x": "1.9.2", "cupy-cuda12x": "14.2.0"},
        "last_steps": "gpu",
    }
    assert found.settings["backend"] == "gpu"
    proven, *others = stand_in.molecules
    assert (proven.natm, proven.spin) == (3, int(is_open))
    assert others
    assert "gpu" not in expected.settings
    assert "backend" not in expected.settings


def test_what_follows_an_scf_goes_on_as_ever(run, fresh, stand_in):
    asked = ("energy", "dipole", "forces", "polarizability", "c6", "excitation_energies")
    expected = run("pbe/6-31g?n_states=1&grid=1", "water", *asked)
    found = run("pbe/6-31g?n_states=1&grid=1&backend=gpu", "water", *asked, with_resources=fresh)
    for name in ("dipole", "forces", "polarizability", "c6"):
        np.testing.assert_allclose(found.properties[name].value, expected.properties[name].value, atol=1e-5)
    assert found.settings["stability"] == expected.settings["stability"] == "minimum"


def test_one_small_molecule_for_each_kind_of_scf(run, fresh, stand_in):
    for system in ("water", "hf", "lih"):
        run("hf/6-31g?backend=gpu", system, with_resources=fresh)
    assert [mole.natm for mole in stand_in.molecules] == [3, 3, 2, 2]
    for grid, system in ((3, "hf"), (2, "hf"), (2, "lih")):
        run(f"pbe/6-31g?grid={grid}&stability=false&backend=gpu", system, with_resources=fresh)
    assert [mole.natm for mole in stand_in.molecules[4:]] == [3, 2, 2, 2]


@pytest.mark.parametrize("level", ["hf/6-31g", "pbe/6-31g?density_fitting=true&grid=1"])
def test_a_backend_that_is_wrong_for_the_small_molecule_computes_nothing(level, run, fresh, stand_in):
    stand_in.shift = lambda mole: 1e-6
    with pytest.raises(
        QmbenchError, match=r"gpu4pyscf has -7\d\.\d{10} hartree and the processor -7\d\.\d{10}"
    ) as caught:
        run(on_gpu(level), "lih", with_resources=fresh)
    theirs, ours = (float(word) for word in str(caught.value).replace(";", "").split() if word.startswith("-7"))
    assert theirs - ours == pytest.approx(1e-6, abs=1e-9)
    assert (caught.value.kind, len(str(caught.value).splitlines())) == ("error", 1)
    assert [mole.natm for mole in stand_in.molecules] == [3]


def test_nine_digits_are_within_what_is_allowed_and_not_a_number_is_not(run, fresh, stand_in):
    stand_in.shift = lambda mole: 5e-9
    assert run("hf/6-31g?backend=gpu", "lih", with_resources=fresh).settings["gpu"]["difference"] == pytest.approx(5e-9)
    gpu._trial_difference.cache_clear()
    stand_in.shift = lambda mole: np.nan
    with pytest.raises(QmbenchError, match="nan"):
        run("hf/6-31g?backend=gpu", "hf", with_resources=fresh)


def test_a_backend_that_is_wrong_for_larger_molecules_only(run, fresh, stand_in):
    """As gpu4pyscf 1.4.1 was for two molecules far apart."""
    stand_in.shift = lambda mole: 1e-6 if mole.natm > 3 else 0.0
    with pytest.raises(QmbenchError, match="the orbitals that it ended with"):
        run("hf/6-31g?backend=gpu", TWISTED, with_resources=fresh)


def test_a_backend_that_calls_a_rough_scf_converged(run, fresh, stand_in):
    def spoil(mf):
        if mf.mol.natm > 3:
            mf.conv_tol, mf.conv_tol_grad, mf.conv_check = 1e-1, 1e-1, False

    stand_in.spoil = spoil
    with pytest.raises(QmbenchError, match="calls an SCF converged"):
        run("hf/6-31g?backend=gpu", TWISTED, with_resources=fresh)


def test_where_it_does_not_converge_the_processor_takes_the_last_steps_and_the_record_says_so(run, fresh, stand_in):
    def spoil(mf):
        mf.max_cycle = 3 if mf.mol.natm > 3 else mf.max_cycle

    stand_in.spoil = spoil
    found = run("hf/6-31g?backend=gpu", TWISTED, with_resources=fresh)
    assert found.settings["gpu"]["last_steps"] == "processor"
    assert "difference" not in found.settings["gpu"]
    assert found.properties["energy"].value == pytest.approx(
        run("hf/6-31g", TWISTED).properties["energy"].value, abs=1e-8
    )


def test_so_it_is_where_diis_stalls_on_the_gpu(run, fresh, stand_in, monkeypatch):
    expected = run("hf/6-31g", TWISTED).properties["energy"].value
    monkeypatch.setattr(convergence, "STALLED_GRADIENT", 10.0)
    monkeypatch.setattr(convergence, "STALLED_ENERGY", 10.0)
    monkeypatch.setattr(convergence, "STALLED_CYCLES", 3)
    monkeypatch.setattr(convergence, "STALLED_GAIN", 0.0)
    found = run("hf/6-31g?backend=gpu", TWISTED, with_resources=fresh)
    assert found.settings["gpu"]["last_steps"] == "processor"
    assert found.properties["energy"].value == pytest.approx(expected, abs=1e-8)


def test_what_gpu4pyscf_has_not_is_unsupported(run, fresh, stand_in):
    def spoil(mf):
        raise NotImplementedError("numint.nr_rks for functional this")

    stand_in.spoil = spoil
    with pytest.raises(Unsupported, match="gpu4pyscf does not do PBE: numint"):
        run("pbe/6-31g?backend=gpu", "water", with_resources=fresh)


def test_without_the_package_one_line_says_what_is_missing(molecules):
    method = parse_level("pbe+d4/sto-3g?backend=gpu").make()
    with pytest.raises(Unsupported, match="pip install gpu4pyscf-cuda12x") as caught:
        method.check(molecules["water"], frozenset({"energy"}))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("devices", "why"),
    [
        (0, "CUDA finds no device"),
        (RuntimeError("cudaErrorNoDevice: no device\nat all"), "cudaErrorNoDevice: no device"),
    ],
)
def test_without_a_gpu_one_line_says_so_and_the_next_run_tries_again(devices, why, run, fresh, stand_in):
    stand_in.devices = devices
    with pytest.raises(QmbenchError, match=f"backend=gpu: {why}. It needs an NVIDIA GPU") as caught:
        run("hf/6-31g?backend=gpu", "water", with_resources=fresh)
    # Records that are unsupported are final; this one has to be tried again where there is a GPU.
    assert (caught.value.kind, len(str(caught.value).splitlines())) == ("error", 1)
    assert stand_in.molecules == []


def test_without_cupy_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(QmbenchError, match="backend=gpu: import of cupy halted") as caught:
        gpu.device_name()
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("level", "properties", "message"),
    [
        ("hf/6-31g?backend=gpu", ("hyperpolarizability",), "no hyperpolarizability by finite fields"),
        ("pbe/6-31g?backend=gpu", ("alchemical_forces", "energy"), "no alchemical_forces"),
        ("pbe/6-31g?backend=gpu&field_strength=0.002", ("polarizability",), "no polarizability"),
        ("hf/6-31g?backend=gpu&basis_extension=adaptive&extension_pool=cc-pvdz", ("energy",), "basis_extension"),
        ("hf/cc-pv5z?backend=gpu", ("energy",), "beyond g"),
        ("hf/6-311g(2df)?backend=gpu&cartesian=d", ("energy",), "Cartesian d with spherical f"),
    ],
)
def test_what_a_gpu_is_not_given_is_refused(level, properties, message, run, fresh, stand_in, molecules):
    method = parse_level(level).make()
    with pytest.raises(Unsupported, match=message):
        method.run(molecules["water"], properties, fresh)


def test_lattices_are_refused(ring):
    with pytest.raises(Unsupported, match="backend is for molecules"):
        parse_level("hf?backend=gpu").make().check(ring(4, 2.0), frozenset({"energy"}))
    parse_level("hf?backend=cpu").make().check(ring(4, 2.0), frozenset({"energy"}))


@pytest.mark.parametrize(
    "more",
    [{"field": (0.0, 0.0, 0.01)}, {"charges": (0.1, 0.0, 0.0)}, {"extension": AddedShells("cc-pvtz", ((0,), (), ()))}],
)
def test_other_plugins_are_refused_the_same(more, molecules):
    with pytest.raises(Unsupported, match="backend=gpu does not do"):
        converged_scf(molecules["water"], ScfSpecification("cc-pvdz", backend="gpu", **more))


def test_keys(molecules, tmp_path, monkeypatch):
    """Absent and cpu are one level, of which versions of gpu4pyscf are no part; of gpu they are."""

    def keys():
        levels = [parse_level(f"pbe+d4/sto-3g{more}") for more in ("", "?backend=cpu", "?backend=gpu")]
        scf = [
            ScfSpecification("sto-3g", backend=backend).artifact_key(molecules["water"]) for backend in ("cpu", "gpu")
        ]
        return [level.key(molecules["water"], "energy") for level in levels], scf

    before, scf_before = keys()
    assert before[0] == before[1] != before[2]
    assert scf_before[0] == ScfSpecification("sto-3g").artifact_key(molecules["water"]) != scf_before[1]
    assert "backend" not in scf_before[0]
    pretend_installed(tmp_path, monkeypatch, gpu4pyscf_cuda12x="1.9.2")
    after, scf_after = keys()
    assert after[:2] == before[:2]
    assert scf_after[0] == scf_before[0]
    assert after[2] != before[2]
    assert scf_after[1] != scf_before[1]
    assert parse_level("hf/sto-3g?backend=gpu").versions["gpu4pyscf-cuda12x"] == "1.9.2"
    assert "gpu4pyscf-cuda12x" not in parse_level("hf/sto-3g").versions


BENZENE = Molecule(
    ("C",) * 6 + ("H",) * 6,
    tuple(
        (radius * np.cos(number * np.pi / 3), radius * np.sin(number * np.pi / 3), 0.0)
        for radius in (2.636, 4.687)
        for number in range(6)
    ),
    0,
    1,
    name="benzene",
)


@pytest.mark.gpu
@pytest.mark.parametrize("level", ["hf/def2-svp", "pbe/def2-svp", "hf/6-31g(d)", "pbe/cc-pvtz?density_fitting=true"])
@pytest.mark.parametrize("system", ["water", "oh", "nh"])
def test_energies_of_a_gpu_are_those_of_the_processor(level, system, run, fresh, device):
    expected, found = run(level, system), run(on_gpu(level), system, with_resources=fresh)
    assert found.properties["energy"].value == pytest.approx(expected.properties["energy"].value, abs=1e-8)
    assert found.settings["gpu"]["device"] == device


@pytest.mark.gpu
@pytest.mark.parametrize("level", ["hf/def2-svp?density_fitting=true", "pbe/def2-svp?density_fitting=true"])
def test_fitted_energies_of_benzene(level, run, fresh, device):
    expected, found = run(level, BENZENE), run(on_gpu(level), BENZENE, with_resources=fresh)
    assert found.properties["energy"].value == pytest.approx(expected.properties["energy"].value, abs=1e-8)
    assert found.settings["gpu"]["last_steps"] == "gpu"


@pytest.mark.gpu
def test_an_energy_of_a_gpu_that_is_off_by_a_microhartree_is_refused(run, fresh, device, monkeypatch):
    from gpu4pyscf.scf import hf

    monkeypatch.setattr(hf.RHF, "energy_nuc", lambda self: self.mol.energy_nuc() + 1e-6)
    with pytest.raises(QmbenchError, match="they may differ by 1e-08"):
        run("hf/6-31g?backend=gpu", "water", with_resources=fresh)
