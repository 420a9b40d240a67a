"""Lays the rooms out as the package they become, as links, for tools that read files.

    python .ci/link_tree.py build/tree

mypy and import-linter find packages by their folders and never run `zkcollateral/__init__.py`,
which is what joins the rooms in a checkout. It is made anew each time.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from layout import shipped_files


def lay_out(target: Path) -> int:
    """Replaces `target` by folders of links; returns the number of links."""
    if target.exists():
        shutil.rmtree(target)
    files = shipped_files()
    for installed, source in files.items():
        link = target / installed
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source)
    return len(files)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    lay_out(Path(sys.argv[1]))
