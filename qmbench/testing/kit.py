"""The checks of one plugin: which there are, on which methods, and how to run one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems import Molecule
from qmbench.plugging.registry import PluginInfo, Plugins, plugins
from qmbench.testing import contract, kinds, physics
from qmbench.testing.kinds import kind_checks, run_kind_check
from qmbench.testing.subject import ConformanceError, NotApplicable, Subject

__all__ = ["CHECKS", "Check", "ConformanceError", "NotApplicable", "check_names", "checks"]

CHECKS: dict[str, Callable[[Subject], None]] = {
    f.__name__: f
    for f in (
        contract.import_cost,
        contract.check_imports_no_program,
        contract.docstring,
        contract.options_documented,
        contract.canonical_string,
        contract.refuses_other_systems,
        kinds.systems_stored,
        contract.properties_delivered,
        contract.units_and_shapes,
        contract.settings_are_json,
        physics.options_alive,
        physics.reproducible,
        physics.resources_change_nothing,
        physics.ghosts_add_no_electrons,
        physics.non_convergence_raises,
    )
}
"""name -> what it holds against any method. The first line of each function's docstring says it in words.

The checks of a kind of system come with the kind (`System.checks`) and are not here.
"""


def check_names(registry: Plugins | None = None) -> list[str]:
    """Every check there is: those of any method, and those of the kinds of system in `registry` (of the installed)."""
    own = [name for kind in (registry or plugins()).systems.values() for name in kind.checks()]
    return list(dict.fromkeys([*CHECKS, *own]))


@dataclass(frozen=True)
class Check:
    """One check of one method. Call it: silence is right, ConformanceError is wrong, NotApplicable is neither."""

    name: str
    subject: Subject

    def __call__(self) -> None:
        if self.name in CHECKS:
            CHECKS[self.name](self.subject)
        else:
            run_kind_check(self.name, self.subject)

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
    # Ghosts are centres of basis functions: only molecules have them.
    return check != "ghosts_add_no_electrons" or any(issubclass(kind, Molecule) for kind in subject.method.systems)
