"""Making proofs and attestations: witness, proof, vouching, issuing, openings."""
