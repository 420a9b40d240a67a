"""Field vectors, groups, commitments, transcript, signatures, files; the reference arithmetic."""
