"""Tries an installation from outside the tree: does every module import, and from where?

    python -P .ci/smoke.py PREFIX VERSION

PREFIX is the folder it must have been installed under: a checkout that shadows it is an error.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

NEEDS = {
    # Loads the extension module.
    "zkcollateral.crypto.fast": "zkcollateral_native",
    "zkcollateral.api": "fastapi",
    "zkcollateral.client": "httpx",
}
"""Modules, with all below them, and what they import that only an extra brings."""


def main(prefix: str, version: str) -> None:
    """Imports every module that the installed package's own list of files names."""
    distribution = importlib.metadata.distribution("zkcollateral")
    if distribution.version != version:
        raise SystemExit(f"expected version {version}, got {distribution.version}")
    missing = [room for room, needed in NEEDS.items() if importlib.util.find_spec(needed) is None]
    count = 0
    for file in sorted(distribution.files or ()):
        if file.suffix != ".py" or file.name == "__main__.py":
            continue
        name = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
        if any(f"{name}.".startswith(f"{room}.") for room in missing):
            continue
        module = importlib.import_module(name)
        if not Path(str(module.__file__)).resolve().is_relative_to(Path(prefix).resolve()):
            raise SystemExit(f"{name} came from {module.__file__}, not from {prefix}")
        count += 1
    if not count:
        raise SystemExit("the installed package lists no module")
    left_out = ", ".join(missing) or "none"
    print(f"{count} modules of zkcollateral {version} import; left out: {left_out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
