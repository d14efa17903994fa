"""The checks of one plugin: which there are, on which methods, and how to run one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems import Crystal, Molecule, System
from qmbench.plugging.registry import PluginInfo, Plugins, plugins
from qmbench.testing import contract, energies, kinds, physics, surroundings
from qmbench.testing.kinds import kind_checks, run_kind_check
from qmbench.testing.subject import ConformanceError, NotApplicable, Subject

__all__ = ["CHECKS", "Check", "ConformanceError", "NotApplicable", "check_names", "checks"]

CHECKS: dict[str, Callable[[Subject], None]] = {
    f.__name__: f
    for f in (
        contract.import_cost,
        contract.prints_nothing,
        contract.check_imports_no_program,
        contract.check_is_cheap,
        contract.estimates_are_numbers,
        contract.docstring,
        contract.options_documented,
        contract.canonical_string,
        contract.refuses_other_systems,
        kinds.systems_stored,
        contract.examples_compute,
        contract.properties_delivered,
        contract.units_and_shapes,
        contract.settings_are_json,
        physics.options_alive,
        physics.reproducible,
        physics.errors_are_honest,
        physics.resources_change_nothing,
        surroundings.writes_only_to_scratch,
        surroundings.surroundings_change_nothing,
        physics.ghosts_add_no_electrons,
        physics.non_convergence_raises,
        energies.energy_magnitude,
        energies.lengths_in_bohr,
        energies.forces_match_energy,
    )
}
"""name -> what it holds against any method. The first line of each function's docstring says it in words.

The checks of a kind of system come with the kind (`System.checks`) and are not here.
"""


def check_names(registry: Plugins | None = None) -> list[str]:
    """Every check there is: those of any method, and those of the kinds of system in `registry` (of the installed)."""
    own = [name for kind in (registry or plugins()).systems.values() for name in kind.checks()]
    return list(dict.fromkeys([*CHECKS, *own]))


WITHOUT_COMPUTING = frozenset(
    {
        *("import_cost", "prints_nothing", "check_imports_no_program", "check_is_cheap", "docstring"),
        "estimates_are_numbers",
        *("options_documented", "canonical_string", "refuses_other_systems", "systems_stored"),
    }
)
"""Checks that call no `compute`; the others have nothing to say when `examples_compute` fails."""

ABOUT_THE_PLUGIN = ("importing its plugin", "its plugin does not import")
"""How a finding begins that holds for all methods of a plugin at once."""


@dataclass(frozen=True)
class Check:
    """One check of one method. Call it: silence is right, ConformanceError is wrong, NotApplicable is neither.

    What another check of the same method has found already is not found twice: NotApplicable names that check.
    """

    name: str
    subject: Subject

    def __call__(self) -> None:
        told = self.subject.told
        if "examples_compute" in told.values() and self.name not in WITHOUT_COMPUTING | {"examples_compute"}:
            raise NotApplicable("skipped because examples_compute failed")
        try:
            if self.name in CHECKS:
                CHECKS[self.name](self.subject)
            else:
                run_kind_check(self.name, self.subject)
        except ConformanceError as error:
            first = told.setdefault(str(error), self.name)
            if first != self.name:
                raise NotApplicable(f"skipped because {first} failed for the same reason") from None
            raise

    def __str__(self) -> str:
        return f"{self.subject.method.name}-{self.name}"

    @property
    def description(self) -> str:
        """The check in one sentence."""
        if self.name in CHECKS:
            return (CHECKS[self.name].__doc__ or "").strip().splitlines()[0]
        return next(iter(kind_checks(self.subject.method)[self.name].values())).sentence


def checks(plugin: str, methods: Iterable[str] | None = None, registry: Plugins | None = None) -> list[Check]:
    """Every check of every method that the installed plugin `plugin` registers.

    methods: only these (also names of an open family, which nobody registers). registry: the plugins to look
    in, those installed by default. InputError when the plugin is not there or could not be loaded.
    """
    registry = registry or plugins()
    info = _info(plugin, registry)
    names = [name for name in registry.methods if registry.owner[name].name == plugin]
    if methods is not None:
        names = [registry.method(name)[0].name for name in methods]
    if not names:
        raise InputError(f"plugin '{plugin}' registers no method")
    found = []
    for name in names:
        method, owner = registry.method(name)
        if owner.name != plugin:
            raise InputError(f"method '{name}' belongs to plugin '{owner.name}', not to '{plugin}'")
        subject = Subject(method, info, registry)
        found += [Check(check, subject) for check in CHECKS if _concerns(check, subject)]
        found += [Check(check, subject) for check in kind_checks(method)]
    return found


def _info(plugin: str, registry: Plugins) -> PluginInfo:
    for info in registry.infos:
        if info.name == plugin:
            if info.error:
                raise InputError(f"plugin '{plugin}' could not be loaded: {info.error}")
            return info
    names = [info.name for info in registry.infos]
    raise InputError(f"no plugin '{plugin}' is installed{did_you_mean(plugin, names)}")


def _concerns(check: str, subject: Subject) -> bool:
    needs: tuple[type[System], ...] = (System,)
    if check in ("ghosts_add_no_electrons", "lengths_in_bohr"):  # only molecules have ghosts and bonds of known length
        needs = (Molecule,)
    if check in ("energy_magnitude", "forces_match_energy"):
        needs = (Molecule, Crystal)
    return any(issubclass(kind, needs) for kind in subject.method.systems)
