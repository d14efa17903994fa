"""A trained force field: what it predicts, how sure it is, and how far a geometry is from what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import InputError, Molecule, Unsupported
from qmbench_ml.bonds import bond_graph
from qmbench_ml.domain import Ranges
from qmbench_ml.gdml.kernel import Array, Kernel, Points, descriptors, jacobians, pair_permutations
from qmbench_ml.gdml.permutations import BOND, bond_angles, bonded_triples, isomorphisms

# Error bars are conditioned on so many unknowns at most; beyond, on the geometries that are farthest from each other.
VARIANCE_UNKNOWNS = 2500
FLAT = 1e-3
FORMAT = 2
# Held-out geometries whose errors say how wide an error bar has to be in their midst.
NEIGHBOURS = 10


@dataclass(frozen=True)
class ForceField:
    """A gradient-domain force field of one molecule. Atomic units.

    positions and weights (M, N, 3): training geometries and their coefficients. length (1/bohr) and noise: of the
    kernel. constant: what is added to the integrated forces. permutations (G, N), graph (N, N), radii (N,): symmetry,
    bonds, covalent radii. energy_scaling and force_scaling (3,): make error bars (hartree, hartree/bohr) of the
    deviations of a process of unit prior, see `scaled`.

    Of the calibration: ranges of bonds, angles and contacts in the held-out geometries; held_positions (H, N, 3), these
    geometries, and held_ratios (H, 2), errors over error bars of their energies and (root mean square) forces; reach:
    `crowding` beyond which nothing is answered; largest_bar (hartree): largest error bar of an energy there. None and
    no row: not calibrated.
    """

    name: str
    level: str
    symbols: tuple[str, ...]
    charge: int
    multiplicity: int
    positions: Array
    weights: Array
    length: float
    noise: float
    constant: float
    permutations: Array
    graph: Array
    radii: Array
    reach: float = np.inf
    energy_scaling: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    force_scaling: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    largest_bar: float = np.inf
    held_positions: Array = field(default_factory=lambda: np.empty((0, 0, 3)))
    held_ratios: Array = field(default_factory=lambda: np.empty((0, 2)))
    ranges: Ranges | None = None

    def save(self, path: str | Path) -> None:
        """Write the model to an .npz file."""
        held = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "ranges"}
        ranges: dict[str, Any] = {} if self.ranges is None else self.ranges.arrays()
        with open(path, "wb") as handle:
            np.savez_compressed(handle, format=FORMAT, **held, **ranges)

    @classmethod
    def load(cls, path: str | Path) -> ForceField:
        """The model in the file `path`; InputError when it holds none."""
        try:
            with np.load(path, allow_pickle=False) as data:
                version = int(data["format"])
                if version != FORMAT:
                    raise InputError(
                        f"{path}: a model of format {version}, this version reads {FORMAT}; train it again"
                    )
                held = {f.name: data[f.name] for f in fields(cls) if f.name != "ranges"}
                ranges = Ranges.from_arrays(data) if "ranges_kinds" in data else None
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise InputError(f"{path} holds no model of qmbench_ml.gdml.train ({type(error).__name__})") from None
        plain = {name: value.item() for name, value in held.items() if value.ndim == 0}
        tuples = {name: tuple(held[name].tolist()) for name in ("symbols", "energy_scaling", "force_scaling")}
        return cls(**{**held, **plain, **tuples}, ranges=ranges)

    @cached_property
    def kernel(self) -> Kernel:
        return Kernel(self.length, pair_permutations(self.permutations))

    @cached_property
    def _images(self) -> tuple[Array, Array]:
        """Descriptors (G·M, D) of all permuted training geometries, and their weights in descriptor space."""
        x = descriptors(self.positions)
        moved = np.einsum("pdi,pi->pd", jacobians(self.positions), self.weights.reshape(len(x), -1))
        return self.kernel.images(x), self.kernel.images(moved)

    def energies(self, positions: Array) -> Array:
        """(K,) energies of the geometries `positions` (K, N, 3), atoms in the model's order; hartree."""
        return self.kernel.energies(descriptors(positions), *self._images) + self.constant

    def forces(self, positions: Array) -> Array:
        """(K, N, 3) forces, the exact gradient of `energies`; hartree/bohr."""
        found = self.kernel.product(Points.cartesian(positions), *self._images)
        return found.reshape(positions.shape)

    @cached_property
    def _whitening(self) -> Array:
        """(D, D) map to descriptors in which the permuted training geometries have the unit covariance.

        A direction in which they vary by less than FLAT of the largest variance counts as if they varied so much.
        """
        centred = self._images[0] - self._images[0].mean(axis=0)
        values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
        return vectors / np.sqrt(np.maximum(values, FLAT * values[-1]))

    def distances(self, positions: Array) -> Array:
        """(K, M) distances from every training geometry, over all permutations.

        They are taken between descriptors, in standard deviations of the training geometries along each direction,
        so that a stretched bond counts by what the bond did in training.
        """
        here, there = descriptors(positions) @ self._whitening, self._images[0] @ self._whitening
        squares = (here**2).sum(1)[:, None] + (there**2).sum(1) - 2 * (here @ there.T)
        return np.sqrt(np.maximum(squares, 0)).reshape(len(positions), -1, len(self.positions)).min(axis=1)

    def shares(self, positions: Array) -> Array:
        """(M,) fraction of the absolute energy contributions of one geometry (1, N, 3) by training geometry."""
        terms = self.kernel.energy_shares(descriptors(positions), *self._images)
        each = np.abs(terms.reshape(-1, len(self.positions)).sum(axis=0))
        return each / max(each.sum(), np.finfo(float).tiny)

    @cached_property
    def _variances(self) -> Variances:
        return Variances(self)

    def errors(self, positions: Array) -> tuple[Array, Array]:
        """Calibrated error bars (K,) of the energies and (K, N, 3) of the forces.

        That of a force is the same along all directions, so that it does not depend on how the molecule is turned.
        """
        energy, force = self.deviations(positions)
        wider = self.widening(positions)
        bars = scaled(force, self.force_scaling) * wider[:, 1:]
        return scaled(energy, self.energy_scaling) * wider[:, 0], np.repeat(bars[:, :, None], 3, axis=2)

    def deviations(self, positions: Array) -> tuple[Array, Array]:
        """Standard deviations, for a prior of unit size, of energies (K,) and (K, N) of forces by atom."""
        energy, force = self._variances.of(positions)
        return np.sqrt(energy), np.sqrt(force.mean(axis=2))

    def _coordinates(self, positions: Array) -> Array:
        """(K, D + T) whitened descriptors and bond angles, in standard deviations of the held-out geometries.

        Inverse distances hardly tell a wide angle from a wider one; the angles themselves do.
        """
        angles = bond_angles(bonded_triples(self.graph), positions) / self._angle_widths
        return np.concatenate([descriptors(positions) @ self._whitening, angles], axis=1)

    @cached_property
    def _angle_widths(self) -> Array:
        """(T,) standard deviations of the bond angles in the held-out geometries and their permutations, degrees."""
        triples = bonded_triples(self.graph)
        found = [bond_angles(triples, self.held_positions[:, order]) for order in self.permutations]
        return np.concatenate(found).std(axis=0)

    @cached_property
    def _held(self) -> Array:
        """(G·H, D + T) coordinates of the permuted held-out geometries, one permutation after the other."""
        return np.concatenate([self._coordinates(self.held_positions[:, order]) for order in self.permutations])

    def held_distances(self, positions: Array) -> Array:
        """(K, H) distances from every held-out geometry, over all permutations, in standard deviations of these."""
        here = self._coordinates(positions)
        squares = (here**2).sum(1)[:, None] + (self._held**2).sum(1) - 2 * (here @ self._held.T)
        return np.sqrt(np.maximum(squares, 0)).reshape(len(positions), -1, len(self.held_positions)).min(axis=1)

    def crowding(self, positions: Array) -> Array:
        """(K,) mean distance from the NEIGHBOURS nearest held-out geometries: large where there is nothing to go by."""
        return np.sort(self.held_distances(positions), axis=1)[:, :NEIGHBOURS].mean(axis=1)

    def widening(self, positions: Array) -> Array:
        """(K, 2) factors, 1 or more, on error bars of energies and forces: what the nearest held-out ones needed."""
        if not len(self.held_positions):
            return np.ones((len(positions), 2))
        return widening(self.held_distances(positions), self.held_ratios)

    def order_in(self, molecule: Molecule) -> Array:
        """(N,) which atom of `molecule` is each atom of the model; Unsupported unless it is this molecule and near.

        Of several assignments that the bonds allow, it is the one nearest to the training data.
        """
        if sorted(molecule.symbols) != sorted(self.symbols) or any(molecule.ghosts):
            ghosts = " with ghosts" if any(molecule.ghosts) else ""
            raise Unsupported(f"the model is of {self.name} ({self._formula}), not of {molecule.formula}{ghosts}")
        if (molecule.charge, molecule.multiplicity) != (self.charge, self.multiplicity):
            raise Unsupported(
                f"the model is of {self.name} with charge {self.charge} and multiplicity {self.multiplicity},"
                f" not {molecule.charge} and {molecule.multiplicity}"
            )
        radii = dict(zip(self.symbols, self.radii, strict=True))
        graph = bond_graph(np.array([radii[s] for s in molecule.symbols]), molecule.coordinates, BOND)
        best, nearest = None, np.inf
        seen: set[bytes] = set()
        for order in isomorphisms(self.symbols, self.graph, molecule.symbols, graph):
            if order.tobytes() in seen:
                continue
            # What the model's own permutations make of an assignment is as far away as it.
            seen.update(order[p].tobytes() for p in self.permutations)
            distance = float(self.distances(molecule.coordinates[None, order]).min())
            if best is None or distance < nearest:
                best, nearest = order, distance
        if best is None:
            raise Unsupported(
                f"its bonds are not those of {self.name}, which the model is of: another isomer, or a geometry with a"
                " broken or new bond, far from the training data"
            )
        self._check_domain(molecule, best)
        return best

    def _check_domain(self, molecule: Molecule, order: Array) -> None:
        """Unsupported for a bond or an angle outside those that error bars were calibrated on, or far from all."""
        if self.ranges is None:
            return
        outside = self.ranges.outside(molecule.symbols, molecule.coordinates)
        self.ranges.refuse(f"far from the training data of {self.name}", molecule.symbols, outside)
        crowding = float(self.crowding(molecule.coordinates[None, order])[0])
        if crowding > self.reach:
            raise Unsupported(
                f"far from the training data of {self.name}: the geometry is {crowding:.3g} standard deviations from"
                f" the {NEIGHBOURS} nearest that error bars were calibrated on, more than {self.reach:.3g}"
            )

    @property
    def _formula(self) -> str:
        return Molecule(self.symbols, self.positions[0].tolist(), self.charge, self.multiplicity).formula


def scaled(deviations: Array, scaling: tuple[float, float, float]) -> Array:
    """Error bars: factor · deviation ** exponent, none smaller than for the least deviation that was calibrated."""
    factor, exponent, least = scaling
    return factor * np.maximum(deviations, least) ** exponent


def widening(distances: Array, ratios: Array) -> Array:
    """(K, 2) root mean squares, 1 or more, of the `ratios` (H, 2) that are nearest by `distances` (K, H)."""
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]
    return np.maximum(np.sqrt((ratios[nearest] ** 2).mean(axis=1)), 1.0)


class Variances:
    """Posterior variances of the Gaussian process behind a model, for a prior of unit size.

    Energies are those relative to the mean over the training geometries, since forces say nothing on a constant.
    """

    def __init__(self, model: ForceField) -> None:
        from qmbench_ml.gdml.solver import cholesky

        width = Points.internal(model.positions[:1]).size
        chosen = spread(model, max(2, VARIANCE_UNKNOWNS // width))
        self.kernel, self.noise = model.kernel, model.noise
        self.points = Points.internal(model.positions[chosen])
        x = self.points.x
        matrix = self.kernel.matrix(self.points, self.points)
        matrix[np.diag_indices_from(matrix)] += self.noise
        self.factor = cholesky(matrix)
        self.mean_row = self.kernel.energy_matrix(x, self.points).mean(axis=0)
        self.mean_mean = float(self.kernel.energy_energy(x, x).mean())

    def of(self, positions: Array) -> tuple[Array, Array]:
        """Variances (K,) of energies and (K, N, 3) of forces; both with the variance of the labels' noise."""
        found = [self._of(positions[i : i + 20]) for i in range(0, len(positions), 20)]
        return np.concatenate([e for e, _ in found]), np.concatenate([f for _, f in found])

    def _of(self, positions: Array) -> tuple[Array, Array]:
        from scipy.linalg import solve_triangular

        def explained(rows: Array) -> Array:
            return (solve_triangular(self.factor, rows.T, lower=True, check_finite=False) ** 2).sum(axis=0)

        points, x = Points.cartesian(positions), self.points.x
        same = np.array([self.kernel.energy_energy(y[None], y[None])[0, 0] for y in points.x])
        prior = same - 2 * self.kernel.energy_energy(points.x, x).mean(axis=1) + self.mean_mean
        energy = prior - explained(self.kernel.energy_matrix(points.x, self.points) - self.mean_row)
        force = self.kernel.diagonal(points) - explained(self.kernel.matrix(points, self.points))
        force = force.reshape(positions.shape)
        # Rounding may take a variance of nothing below zero.
        return np.maximum(energy, 0) + self.noise, np.maximum(force, 0) + self.noise


def spread(model: ForceField, count: int) -> Array:
    """Numbers of `count` training geometries, each the farthest from those before it; all where there are no more."""
    total = len(model.positions)
    if count >= total:
        return np.arange(total)
    chosen = [0]
    away = model.distances(model.positions[:1])[0]
    while len(chosen) < count:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, model.distances(model.positions[chosen[-1:]])[0])
    return np.array(chosen)
