"""An attestation's way through the service, from its submission to its offline bundle."""

from __future__ import annotations

from pathlib import Path

from tests.api.running import Market, running, settings
from tests.world import srs
from zkcollateral.risk.clock import now
from zkcollateral.verifier.bundle import Bundle, verify_bundle
from zkcollateral.verifier.examination import Expectation
from zkcollateral.verifier.trust import Trust


def test_an_accepted_attestation_comes_back_as_an_offline_bundle(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service:
        market = Market.at_service(service)
        attestation = market.attestation()
        with service.client("prover", tenant="holder") as prover:
            first = prover.post("/v1/attestations", json=attestation.to_json_value())
            again = prover.post("/v1/attestations", json=attestation.to_json_value())
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["new"] is True
        assert again.json()["new"] is False
        assert first.json()["attestation"] == again.json()["attestation"]
        with service.client() as reader:
            location = first.headers["location"]
            bundle = Bundle.from_bytes(reader.get(f"{location}/bundle").content)
        key = service.service.store.signer.public
    value = market.trust_value()
    value["keys"].append(
        {**value["keys"][0], "role": "log", "name": key.name, "public_key": key.key.raw.hex()}
    )
    trust = Trust.from_json_value(value, "trust")
    report = verify_bundle(bundle, trust, srs(), Expectation(now()))
    assert report.valid, report.to_json_value()
