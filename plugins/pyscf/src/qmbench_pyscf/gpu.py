"""The self-consistent field on a GPU by gpu4pyscf (backend=gpu), and why its numbers may be believed.

Li, Sun, Zhang and Chan, arXiv:2407.09700; Wu et al., arXiv:2404.09452. This was written without a GPU to try it on, and
gpu4pyscf has given wrong energies without a word: of a dimer by two hartree (its issue 754, versions 1.4.1 and 1.4.3),
of a large molecule by 0.1 hartree, the energy of another iteration than the orbitals (issue 915). So nothing is taken
on trust: before the first SCF of a kind in a process, a small molecule is computed both ways; and of every SCF, the
processor evaluates the energy and the gradient of the orbitals that the GPU ended with.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from qmbench import Molecule, QmbenchError, Resources, Unsupported
from qmbench_pyscf.gpu_checks import INSTALL, installed
from qmbench_pyscf.specification import ScfSpecification

AGREEMENT = 1e-8
"""By so much (hartree) an energy may differ from the processor's."""
# The gradient may be by so much above its threshold: what PySCF allows the last cycle that checks its own SCF.
GRADIENT_SLACK = 3
# gpu4pyscf has kernels for functions up to g.
HIGHEST = 4

# Of the small molecule, so that it takes a second or two of the processor, VV10 included: no result is made of it.
TRIAL_BASIS, TRIAL_GRID = "def2-svp", 2
# O–H 0.96 Å, H–O–H 104.5°, on no axis; its cation has the ground state ²B1, which is nowhere degenerate. (Bohr.)
_WATER = (("O", "H", "H"), ((0.1, 0.0, 0.12), (0.3, 1.43, -0.97), (-0.2, -1.43, -0.99)))
TRIALS = {False: Molecule(*_WATER, 0, 1, name="water"), True: Molecule(*_WATER, 1, 2, name="water cation")}


def device_name() -> str:
    """The name of the GPU that is computed on. QmbenchError, one line, where there is none or no gpu4pyscf for it."""
    try:
        import cupy

        if cupy.cuda.runtime.getDeviceCount():
            import gpu4pyscf  # noqa: F401  (it loads its libraries, which may fail)

            name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())["name"]
            return name.decode() if isinstance(name, bytes) else str(name)
        why = "CUDA finds no device"
    except (ImportError, OSError, RuntimeError) as error:  # no such package, no such library, no driver
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
    raise QmbenchError(f"backend=gpu: {why}. It needs an NVIDIA GPU with its driver, and gpu4pyscf: {INSTALL}")


def prove(spec: ScfSpecification, unrestricted: bool) -> dict[str, Any]:
    """Facts for a record about the GPU, once it has given the energy of a small molecule that the processor gives.

    QmbenchError where it has not, or where there is none.
    """
    device = device_name()
    trial = replace(
        spec,
        basis=TRIAL_BASIS,
        grid=min(spec.grid_level, TRIAL_GRID) if spec.xc else None,
        reference="unrestricted" if unrestricted else "restricted",
        energy_tolerance=1e-10,
        max_cycle=100,
        stability=False,
        potential=None,
        cartesian=None,
    )
    difference = _trial_difference(trial)
    return {
        "device": device,
        "versions": installed(),
        "trial": f"{TRIALS[unrestricted].name}, {trial.functional}/{trial.basis}",
        "trial_difference": difference,
    }


@cache
def _trial_difference(spec: ScfSpecification) -> float:
    """GPU less processor, hartree, of the small molecule for `spec`; once in a process."""
    from qmbench_pyscf.mean_field_object import mean_field

    molecule = TRIALS[spec.reference == "unrestricted"]
    ours = mean_field(molecule, replace(spec, backend="cpu"), Resources())
    density = ours.get_init_guess(ours.mol, "minao")
    ours.kernel(density)
    theirs = mean_field(molecule, spec, Resources())
    kernel_on_gpu(theirs, density, checked=False)
    what = f"{spec.functional}/{spec.basis} of {molecule.name}"
    if not (ours.converged and theirs.converged):
        raise QmbenchError(f"backend=gpu: the SCF of {what}, which is to prove gpu4pyscf, has not converged")
    _compare(what, theirs.e_tot, ours.e_tot)
    return float(theirs.e_tot - ours.e_tot)


def kernel_on_gpu(mf: Any, density: np.ndarray, checked: bool = True) -> None:
    """gpu4pyscf's SCF from `density` for the PySCF object `mf`, which is left as its own `kernel` would leave it.

    checked: whether the processor evaluates the orbitals of a converged one; QmbenchError where it finds another energy
    (by more than AGREEMENT) or a larger gradient. mf.callback is called on the host's arrays.
    Unsupported for what gpu4pyscf has not.
    """
    import cupy

    device = _moved(mf)
    if mf.callback is not None:
        seen = ("norm_gorb", "scf_conv", "e_tot", "last_hf_e", "mo_energy", "mo_coeff", "mo_occ")
        device.callback = lambda loop: mf.callback({name: cupy.asnumpy(loop[name]) for name in seen})
    try:
        device.kernel(density)
    except NotImplementedError as error:
        raise Unsupported(
            f"backend=gpu: gpu4pyscf does not do {mf.xc if hasattr(mf, 'xc') else 'this'}: {error}"
        ) from None
    mf.mo_coeff, mf.mo_occ, mf.mo_energy = map(cupy.asnumpy, (device.mo_coeff, device.mo_occ, device.mo_energy))
    mf.e_tot, mf.converged = float(device.e_tot), bool(device.converged)
    if mf.converged and checked:
        _check(mf)


def _moved(mf: Any) -> Any:
    """`mf` on the GPU, by PySCF's own `to_gpu`."""
    highest = max(mf.mol.bas_angular(shell) for shell in range(mf.mol.nbas))
    if highest > HIGHEST:
        raise Unsupported("backend=gpu: gpu4pyscf has no basis functions beyond g; take a smaller basis set")
    plain = mf.copy()
    vars(plain).pop("DIIS", None)  # ours is of the processor
    return plain.to_gpu()


def _check(mf: Any) -> None:
    """Let the processor evaluate the orbitals that `mf` has from the GPU, and note what it found on `mf`."""
    density = mf.make_rdm1()
    potential = mf.get_veff(mf.mol, density)
    energy = mf.energy_tot(density, vhf=potential)
    gradient = mf.get_grad(mf.mo_coeff, mf.mo_occ, mf.get_fock(vhf=potential, dm=density))
    _compare("the orbitals that it ended with", mf.e_tot, energy)
    norm = float(np.linalg.norm(gradient))
    if not norm < GRADIENT_SLACK * mf.conv_tol_grad:
        raise QmbenchError(
            f"backend=gpu: gpu4pyscf calls an SCF converged whose gradient is {norm:.1e} by the processor, where "
            f"{mf.conv_tol_grad:.1e} was asked for; backend=cpu computes it"
        )
    mf.qmbench_gpu = {"energy": mf.e_tot, "difference": float(mf.e_tot - energy)}


def _compare(what: str, theirs: float, ours: float) -> None:
    if not abs(theirs - ours) <= AGREEMENT:  # so that not-a-number is refused, too
        raise QmbenchError(
            f"backend=gpu: of {what}, gpu4pyscf has {theirs:.10f} hartree and the processor {ours:.10f}; they may "
            f"differ by {AGREEMENT:g}, and no number of this GPU is taken. backend=cpu computes it"
        )


def gpu_facts(mf: Any, proof: dict[str, Any]) -> dict[str, Any]:
    """Settings of a record about the SCF `mf`, whose last steps may have been the processor's."""
    checked = getattr(mf, "qmbench_gpu", None)
    if checked is None or mf.e_tot != checked["energy"]:
        return {"backend": "gpu", "gpu": {**proof, "last_steps": "processor"}}
    return {"backend": "gpu", "gpu": {**proof, "last_steps": "gpu", "difference": checked["difference"]}}
