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

# Loads the extension module, so it needs the other wheel.
NEEDS_NATIVE = "zkcollateral.crypto.fast"


def main(prefix: str, version: str) -> None:
    """Imports every module that the installed package's own list of files names."""
    distribution = importlib.metadata.distribution("zkcollateral")
    if distribution.version != version:
        raise SystemExit(f"expected version {version}, got {distribution.version}")
    native = importlib.util.find_spec("zkcollateral_native") is not None
    count = 0
    for file in sorted(distribution.files or ()):
        if file.suffix != ".py" or file.name == "__main__.py":
            continue
        name = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
        if name == NEEDS_NATIVE and not native:
            continue
        module = importlib.import_module(name)
        if not Path(str(module.__file__)).resolve().is_relative_to(Path(prefix).resolve()):
            raise SystemExit(f"{name} came from {module.__file__}, not from {prefix}")
        count += 1
    if not count:
        raise SystemExit("the installed package lists no module")
    print(f"{count} modules of zkcollateral {version} import, native: {'yes' if native else 'no'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
