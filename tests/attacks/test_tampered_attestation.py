"""Nothing in an attestation can be changed, moved or used again.

Known failures 6, 8, 9, 11, 13 and 21: a public number that nothing binds, trust that comes with the
proof, a factor changed after proving, identifiers that alias, replays, proof bytes used as an
identity.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.world import LENDER, NOW, World, altered, failed
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.errors import DocumentError


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def attestation(world: World) -> Attestation:
    return world.attest(world.vouched("bank"), world.vouched("desk"), claim="crash", nonce="n-1")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every string, null and boolean in a JSON value."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from leaves(child, (*path, index))
    else:
        yield path


def variants(old: Any) -> Iterator[Any]:
    """Other values of a leaf that are as likely as possible to be read."""
    if isinstance(old, str):
        yield old[:-1] + ("0" if old[-1:] != "0" else "1")
        yield ("1" if old[:1] != "1" else "2") + old[1:]
        yield from ([old[:-1] + "AQ=="] if old.endswith("=") else [])
        yield from ([f"{old}0"] if "." in old else [])
    if isinstance(old, bool):
        yield not old
    yield None
    yield "other"


def test_no_leaf_of_the_document_can_be_changed(world: World, attestation: Attestation) -> None:
    value = attestation.to_json_value()
    trust = world.trust()
    assert world.verify(attestation, trust=trust).valid
    read = 0
    for path in leaves(value):
        changed = copy.deepcopy(value)
        here: Any = changed
        for step in path[:-1]:
            here = here[step]
        old = here[path[-1]]
        for new in variants(old):
            if new == old:
                continue
            here[path[-1]] = new
            try:
                forged = Attestation.from_json_value(changed, "attestation")
            except DocumentError:
                continue
            read += 1
            assert not world.verify(forged, trust=trust).valid, (path, old, new)
    assert read > 150


def test_no_part_of_the_document_can_be_left_out_or_added(attestation: Attestation) -> None:
    value = attestation.to_json_value()
    objects = {path[:depth] for path in leaves(value) for depth in range(len(path))}
    maps = {"shocks", "prices", "claims", "collateral", "debt", "signed"}
    for path in objects:
        for add in (True, False):
            changed = copy.deepcopy(value)
            here: Any = changed
            for step in path:
                here = here[step]
            if not isinstance(here, dict):
                continue
            maps = {"shocks", "prices", "claims", "collateral", "debt", "signed"}
            if path and path[-1] in maps:
                continue
            if add:
                here["more"] = "x"
            else:
                del here[next(iter(here))]
            with pytest.raises(DocumentError):
                Attestation.from_json_value(changed, "attestation")


def resealed(attestation: Attestation, document: str, *path: str | int, to: Any) -> Attestation:
    """A document inside changed, and the claim's digest of it with it: all that a forger can do."""
    forged = altered(attestation, document, *path, to=to)
    inner = {
        "policy": forged.policy,
        "registry": forged.registry,
        "prices": forged.prices.round,
    }[document]
    digest = document_digest(inner)
    if document == "prices":
        return altered(forged, "claim", "round", "digest", to=digest)
    return altered(forged, "claim", document, to=digest)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("ratio",), "1.1"),
        (("factors", "collateral", "BTC"), "0.95"),
        (("factors", "debt", "USDC"), "0.5"),
        (("claims", "crash", "scenarios", 1, "shocks", "BTC"), "-0.1"),
        (("value_decimals",), "6"),
        (("profile",), "fast"),
    ],
)
def test_another_policy_needs_another_proof(
    world: World, attestation: Attestation, path: tuple[str | int, ...], value: str
) -> None:
    """Even a verifier who accepts the changed policy too does not take the old proof for it."""
    forged = resealed(attestation, "policy", *path, to=value)

    def accept(trust: dict[str, Any]) -> None:
        trust["policies"].append(document_digest(forged.policy))

    assert failed(world.verify(forged, trust=world.trust(accept))) == {"proof"}


def test_prices_cannot_be_changed_with_their_digest(world: World, attestation: Attestation) -> None:
    forged = resealed(attestation, "prices", "round", "prices", "BTC", to="64001")
    assert failed(world.verify(forged)) == {"oracle_quorum", "proof"}


def test_units_cannot_be_changed_with_their_digest(world: World, attestation: Attestation) -> None:
    forged = resealed(attestation, "registry", "assets", 0, "unit", to="-7")
    assert "policy" in failed(world.verify(forged))


class TestReplay:
    """A proof is for one lender, one question, one price round, one time."""

    def test_yesterdays_proof_with_todays_prices(self, world: World) -> None:
        holding = world.vouched()
        old = world.attest(holding, issued=NOW)
        later = NOW + timedelta(seconds=300)
        new = world.attest(holding, prices=world.prices(later), issued=later)
        forged = altered(new, "proof", to=old.proof)
        assert failed(world.verify(forged, at=later)) == {"proof"}

    def test_another_lenders_proof(self, world: World) -> None:
        holding = world.vouched()
        theirs = world.attest(holding, audience="lender-8")
        ours = world.attest(holding, audience=LENDER)
        assert failed(world.verify(theirs)) == {"audience"}
        assert failed(world.verify(altered(ours, "proof", to=theirs.proof))) == {"proof"}

    def test_an_old_answer_to_a_new_nonce(self, world: World) -> None:
        holding = world.vouched()
        old = world.attest(holding, nonce="1")
        new = world.attest(holding, nonce="2")
        assert failed(world.verify(old, nonce="2")) == {"nonce"}
        forged = altered(new, "proof", to=old.proof)
        assert failed(world.verify(forged, nonce="2")) == {"proof"}

    def test_a_proof_for_another_claim_of_the_same_policy(self, world: World) -> None:
        holding = world.vouched()
        easy, hard = world.attest(holding), world.attest(holding, claim="crash")
        assert "proof" in failed(world.verify(altered(hard, "proof", to=easy.proof)))

    def test_a_proof_for_another_account(self, world: World) -> None:
        mine, theirs = world.attest(world.vouched()), world.attest(world.vouched())
        assert failed(world.verify(altered(mine, "proof", to=theirs.proof))) == {"proof"}

    def test_an_extended_expiry(self, world: World, attestation: Attestation) -> None:
        forged = altered(attestation, "claim", "expires", to="2026-01-31T13:00:00Z")
        assert failed(world.verify(forged)) == {"proof"}


def test_identity_comes_from_the_claim(world: World) -> None:
    holding, prices = world.vouched(), world.prices()
    first = world.attest(holding, prices=prices)
    again = world.attest(holding, prices=prices)
    assert first.proof != again.proof
    assert first.identity == again.identity
    assert first.identity != world.attest(holding, prices=prices, nonce="1").identity


def test_identifiers_are_hashed_and_never_reduced(world: World) -> None:
    """Account names that an encoding into a field would confuse are different claims."""
    names = ["1", "01", "1.0", "a/b", "a.b", "A", "a", "1" + "0" * 63]
    prices, opening = world.prices(), world.opening()
    claims = {
        world.attest(world.vouched("bank", opening, account=name), prices=prices).claim.context()
        for name in names
    }
    assert len(claims) == len(names)
