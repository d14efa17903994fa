"""The options of `edft`: which combinations mean something, and what is taken where nothing is said.

An option that does not change the number in question is refused, so that two spellings never name one number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from qmbench import Options

ORBITAL_DEPENDENT = ("eexx", "gic", "sehx", "elda")
OWN_CORRELATION = ("qlda", "elda")
WITHOUT_ENSEMBLE = ("dec", "delta_scf")
CURVE_WEIGHTS = (0.25, 0.5, 0.75, 1.0)


def usual_weight(extraction: str) -> float:
    """The weight taken where none is given."""
    return 1.0 if extraction == "lim" else 0.5


class EnsembleOptions(Options):
    """Options of `edft`. Those left out get the value given in their description, and show up in the record."""

    functional: Literal["lda", "qlda", "eexx", "gic", "sehx", "elda"] = Field(
        description="Hartree-exchange(-correlation) functional: lda weight-independent; qlda quasi-local (Kohn); eexx "
        "ensemble Hartree + exact exchange, with ghosts; gic ghost-corrected, one determinant per state; sehx "
        "symmetry-eigenstate Hartree-exchange; elda weight-dependent LDA (Gould, Pittalis)"
    )
    # "own" and not None for what is left out: the text "none" is a value of its own here
    correlation: Literal["own", "pw92", "vwn", "none"] = Field(
        "own",
        description="LDA correlation of the ensemble density: own (when left out) is pw92 for lda, none for eexx, gic "
        "and sehx, and part of qlda and elda; pw92, vwn or none instead where that is possible, none alone for elda; "
        "not with extraction=dec, from which it cancels",
    )
    potential: Literal["oep", "kli"] | None = Field(
        None,
        description="optimized effective potential (when left out) or its KLI approximation; eexx, gic, sehx, elda",
    )
    ensemble: Literal["bi", "gok1", "gok2"] | None = Field(
        None,
        description="bi (when left out): 1 1S and the state alone, restricted to their symmetries; gok1, gok2: all "
        "multiplets up to the state, GOK's two kinds of weights; lim and ladder climb through one chain of them",
    )
    weight: float | None = Field(
        None,
        gt=0,
        le=1,
        examples=[0.25, 0.75],
        description="from 0 (ground state; gok1: equiensemble without the highest multiplet) to 1 (all states equally "
        "likely): each state of the highest multiplet weighs weight/M, M states in all. 0.5 when left out, 1 with lim",
    )
    extraction: Literal["gap", "slope", "lim", "ladder", "dec", "delta_scf"] = Field(
        "gap",
        description="gap: Kohn-Sham gap + weight derivative; slope: dE/dw by differences; lim: linear interpolation; "
        "ladder: GOK's sum over ensembles; dec: direct, w to 0 on ground_state; delta_scf: difference of two energies",
    )
    ground_state: Literal["exx", "exact", "lda"] | None = Field(
        None,
        description="whose ground-state potential extraction=dec uses: exx (when left out), exact, lda (PW92)",
    )

    curve: bool = Field(
        False,
        description="also give `STATE w=WEIGHT` for the weights 0.25, 0.5, 0.75 and 1.0; the plain labels stay at the "
        "weight taken when left out; not with extraction=dec or delta_scf, nor with weight",
    )

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = dict(values)
        functional, extraction = values.get("functional"), values.get("extraction") or "gap"
        if functional not in cls.choices("functional") or extraction not in cls.choices("extraction"):
            return values  # pydantic's own message names the choices

        def given(name: str) -> bool:
            return values.get(name) not in (None, "own")

        def refuse(name: str, why: str) -> None:
            if given(name):
                raise ValueError(f"leave out {name}={values[name]}: {why}")

        if functional == "qlda" and extraction == "delta_scf":
            raise ValueError(
                "qlda is defined for equiensembles of the lowest states, so it has no extraction=delta_scf"
            )
        _correlation(values, functional, extraction, given, refuse)
        if extraction == "dec":
            refuse("potential", "extraction=dec takes its potential from ground_state")
            values.setdefault("ground_state", None)
            values["ground_state"] = values["ground_state"] or "exx"
        else:
            refuse("ground_state", f"only extraction=dec uses it, not {extraction}")
            if functional in ORBITAL_DEPENDENT:
                values["potential"] = values.get("potential") or "oep"
            else:
                refuse("potential", f"the potential of {functional} is a function of the density, there is no choice")
        curve = _true(values.get("curve"))
        if extraction in WITHOUT_ENSEMBLE:
            why = "is the limit of weight 0" if extraction == "dec" else "has no ensemble"
            if curve:
                raise ValueError(f"leave out curve=true: extraction={extraction} {why}")
            refuse("ensemble", f"extraction={extraction} {why}")
            refuse("weight", f"extraction={extraction} {why}")
        else:
            _ensemble(values, functional, extraction)
            if curve:
                refuse("weight", "curve=true has weights of its own")
            elif values.get("weight") is None:
                values["weight"] = usual_weight(extraction)
        return values

    @classmethod
    def choices(cls, name: str) -> tuple[str, ...]:
        """The values of a required choice."""
        return get_args(cls.model_fields[name].annotation)


def _correlation(
    values: dict[str, Any],
    functional: str,
    extraction: str,
    given: Callable[[str], bool],
    refuse: Callable[[str, str], None],
) -> None:
    if extraction == "dec" and functional != "elda":
        refuse("correlation", "a weight-independent correlation cancels from extraction=dec")
    elif functional == "qlda":
        refuse("correlation", "qlda's correlation is part of its thermal functional")
    elif functional == "elda":
        if given("correlation") and values["correlation"] != "none":
            raise ValueError(
                "elda has a correlation of its own; correlation=none leaves it out, nothing else is possible"
            )
    elif not given("correlation"):
        values["correlation"] = "pw92" if functional == "lda" else "none"


def _ensemble(values: dict[str, Any], functional: str, extraction: str) -> None:
    kind = values.get("ensemble") or ("gok1" if extraction == "ladder" else "bi")
    if extraction == "ladder" and kind == "bi":
        raise ValueError("extraction=ladder climbs through all multiplets: ensemble=gok1 or gok2, not bi")
    if functional == "elda" and kind != "bi":
        raise ValueError(
            "elda takes ensemble=bi only: its Hartree part has no weight derivative where 2s and 2p are equally filled"
        )
    values["ensemble"] = kind


def _true(value: Any) -> bool:
    """Whether the text or value of a switch means true; what means nothing is left to pydantic's own message."""
    try:
        return TypeAdapter(bool).validate_python(value)
    except ValidationError:
        return False
