"""Checks of the physics that hold for every method; what holds for a kind of system comes with the kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from qmbench.domain.errors import InputError, NotConverged, QmbenchError, Unsupported
from qmbench.domain.method import LevelOfTheory, Result
from qmbench.domain.systems import Molecule, System
from qmbench.testing import samples
from qmbench.testing.subject import NotApplicable, Subject, distance, errors, numbers, same_numbers

# More than any superposition error of one atom in a small basis, less than any electron or nucleus too many.
GHOST_LIMIT = 0.1
SEEDS = 5


def options_alive(subject: Subject) -> None:
    """Every option changes a number or a resolved setting, or makes the method raise: none is dead."""
    subject.example()
    for name in subject.method.Options.model_fields:
        tried = [(level, value) for level in subject.levels for value in samples.other_values(level.options, name)]
        if not tried:
            raise subject.fail(f"option '{name}': the kit knows no other value; give Field(…, examples=[…])")
        if not any(_matters(subject, level, name, value) for level, value in tried):
            values = ", ".join(dict.fromkeys(str(value) for _, value in tried))
            raise subject.fail(
                f"option '{name}' is dead: {values} changed no property and no setting of any example"
                " (repeating the option itself among the settings does not count)"
            )


def _matters(subject: Subject, level: LevelOfTheory, name: str, value: object) -> bool:
    options = type(level.options).model_validate({**level.options.given(), name: value})
    other = replace(level, options=options)
    # Cheap properties of all examples before dear ones of any: most options show in an energy.
    supported = {s: subject.supported(level, s) | subject.supported(other, s) for s in subject.systems}
    pairs = [(prop, system) for system, props in supported.items() for prop in props]
    for prop, system in sorted(pairs, key=lambda pair: subject.rank(pair[0])):
        first, second = _outcome(subject, level, system, prop), _outcome(subject, other, system, prop)
        if isinstance(first, str) or isinstance(second, str):
            if type(first) is not type(second) or first != second:
                return True
            continue
        if not same_numbers(first, second):
            return True
        before, after = ({k: v for k, v in o.settings.items() if k != name} for o in (first, second))
        if not _echo(before, after, getattr(level.options, name), value):
            return True
    return False


def _echo(first: object, second: object, old: object, new: object) -> bool:
    """Whether two settings differ in nothing but in repeating an option, under whatever name or within a text."""
    if first == second or (first == old and second == new):
        return True
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(_echo(first[k], second[k], old, new) for k in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(_echo(a, b, old, new) for a, b in zip(first, second, strict=True))
    here, there = str(first), str(second)
    return str(old) in here and here.replace(str(old), str(new)) == there


def _outcome(subject: Subject, level: LevelOfTheory, system: System, prop: str) -> Result | str:
    try:
        return subject.compute(level, system, frozenset({prop}))
    except QmbenchError as error:
        return type(error).__name__


def reproducible(subject: Subject) -> None:
    """The same task gives the same number; a stochastic method gives its uncertainty, and agrees within it."""
    subject.example()
    tried: set[bool] = set()
    for level, system in subject.examples():
        stochastic = level.is_stochastic()
        if stochastic not in tried:  # options may make the difference: one example of either sort
            tried.add(stochastic)
            _repeated(subject, level, system, stochastic)


def _repeated(subject: Subject, level: LevelOfTheory, system: System, stochastic: bool) -> None:
    first = subject.quick(level, system)
    second = subject.quick(level, system, fresh=True)
    for prop, quantity in first.properties.items():
        if stochastic:
            if quantity.uncertainty is None or quantity.uncertainty_kind not in ("statistical", "combined"):
                raise subject.fail(f"is stochastic, but {prop} has no statistical uncertainty")
            if not (errors(quantity) > 0).all():
                raise subject.fail(f"is stochastic, but the uncertainty of {prop} is not positive")
            if distance(quantity, second.properties[prop]) > 0.0:
                raise subject.fail(f"two runs of {prop} differ by more than four combined standard deviations")
        elif quantity.uncertainty_kind == "statistical":
            raise subject.fail(
                f"'{level}' gives {prop} a statistical uncertainty, but is_stochastic() says that it has none;"
                " state `stochastic = True`, or extend `is_stochastic` where it depends on the options"
            )
    if not stochastic and not same_numbers(first, second, noise=1e-9):
        raise subject.fail("two runs of one task differ; state `stochastic = True` and give the uncertainty, or a seed")


def errors_are_honest(subject: Subject) -> None:
    """Runs of a stochastic level with different seeds scatter no more than their uncertainties say (χ² test)."""
    subject.example()
    for level, system in subject.examples():
        if level.is_stochastic():
            if "seed" not in subject.method.Options.model_fields:
                raise NotApplicable(f"{subject.method.name} has no option 'seed', so that its runs can't be told apart")
            return _scatter(subject, level, system)
    raise NotApplicable(f"no example of {subject.method.name} is stochastic")


def _scatter(subject: Subject, level: LevelOfTheory, system: System) -> None:
    from scipy.stats import chi2

    runs = []
    for seed in range(1, SEEDS + 1):
        options = type(level.options).model_validate({**level.options.given(), "seed": seed})
        runs.append(subject.quick(replace(level, options=options), system))
    for prop in runs[0].properties:
        values = np.array([numbers(run.properties[prop]) for run in runs])
        spreads = np.array([errors(run.properties[prop]) for run in runs])
        weights = 1 / np.maximum(spreads, 1e-300) ** 2
        mean = (weights * values).sum(axis=0) / weights.sum(axis=0)
        worst = float((weights * (values - mean) ** 2).sum(axis=0).max())
        if worst > chi2.isf(1e-5 / values.shape[1], SEEDS - 1):
            times = (worst / (SEEDS - 1)) ** 0.5
            raise subject.fail(
                f"{SEEDS} seeds scatter {prop} of {system.name} by {times:.2g} times its stated uncertainty"
            )


def resources_change_nothing(subject: Subject) -> None:
    """The number of cores is a resource: it does not change the number."""
    level, system = subject.example()
    one, two = subject.quick(level, system), subject.quick(level, system, cores=2)
    for prop, quantity in one.properties.items():
        if prop not in two.properties or distance(quantity, two.properties[prop]) > subject.tolerance(prop):
            raise subject.fail(f"{prop} differs between one core and two")


def ghosts_add_no_electrons(subject: Subject) -> None:
    """A ghost beside an atom lowers its energy a little or not at all; a method without a basis refuses or says so."""
    subject.example(Molecule)
    has_basis = "basis" in subject.method.Options.model_fields or bool(subject.method.own_basis)
    for symbol in samples.ghost_atoms(subject.systems):
        bare, both = samples.with_ghost(symbol)
        for level in subject.levels:
            try:
                alone = subject.quick(level, bare)
            except QmbenchError:
                continue
            try:
                ghosted = subject.quick(level, both)
            except (Unsupported, InputError) as error:
                if has_basis:
                    raise subject.fail(f"has a basis, but refuses ghost atoms ({error})") from None
                return
            return _compare_ghost(subject, symbol, alone, ghosted, has_basis)
    raise NotApplicable(f"{subject.method.name} computes none of the atoms that the kit tries with a ghost")


def _compare_ghost(subject: Subject, symbol: str, alone: Result, ghosted: Result, has_basis: bool) -> None:
    if not has_basis and not any("ghost" in w.lower() for w in (*ghosted.warnings, *map(str, ghosted.settings))):
        raise subject.fail("has no basis and accepts ghosts in silence; raise Unsupported, or say so in a warning")
    if "energy" not in alone.properties or "energy" not in ghosted.properties:
        raise NotApplicable(f"{subject.method.name} gives no energy")
    a, g = alone.properties["energy"], ghosted.properties["energy"]
    change = float(g.value) - float(a.value)  # type: ignore[arg-type]
    slack = subject.tolerance("energy") + 4.0 * float(errors(a)[0] + errors(g)[0])
    if change > slack:
        raise subject.fail(f"a ghost raises the energy of {symbol} by {change:.3g} hartree; more basis can't")
    if change < -GHOST_LIMIT - slack:
        raise subject.fail(
            f"a ghost lowers the energy of {symbol} by {-change:.3g} hartree: it adds charge or electrons"
        )


def non_convergence_raises(subject: Subject) -> None:
    """Stopped after one iteration, the method raises NotConverged: it never returns a number that is not converged."""
    limits = [name for name in subject.method.Options.model_fields if samples.is_limit(name)]
    if not limits:
        raise NotApplicable(f"{subject.method.name} has no option that limits its iterations (max_cycles, say)")
    subject.example()
    for name in limits:
        raised = False
        for level, system in list(subject.examples()):
            options = type(level.options).model_validate({**level.options.given(), name: 1})
            try:
                stopped = subject.quick(LevelOfTheory(level.method, options, level.plugin, level.code_of), system)
            except NotConverged:
                raised = True
                continue
            except QmbenchError as error:
                raise subject.fail(f"{name}=1 raises {type(error).__name__}; raise NotConverged") from None
            converged = subject.quick(level, system)
            for prop, quantity in stopped.properties.items():
                if distance(quantity, converged.properties[prop]) > subject.tolerance(prop):
                    raise subject.fail(f"{name}=1 returns a {prop} of {system.name} that is not converged")
        if not raised:
            raise subject.fail(f"{name}=1 raises NotConverged for none of the examples; add one that takes iterations")
