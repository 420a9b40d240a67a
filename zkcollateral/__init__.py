"""zkcollateral: prove that a private portfolio is sufficiently collateralized, and check such proofs."""

from pathlib import Path as _Path

__version__ = "0.1.0"

# The rooms are folders beside this one in a checkout, and inside it once installed. Python started in
# the checkout finds this folder before any installation, and would miss them.
_checkout = _Path(__file__).resolve().parent.parent
if (_checkout / "pyproject.toml").is_file():
    __path__.append(str(_checkout))
