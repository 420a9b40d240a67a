"""Checking proofs and attestations; takes nothing from the prover's side but what is checked."""
