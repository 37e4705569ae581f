"""Bring notebooks that were edited in JupyterLab back into their text twins (`make twins`)."""

import sys

import assignments
import chapters
from chapters import relative


def main() -> int:
    conflicts = 0
    for chapter in [*chapters.chapters(), *assignments.masters()]:
        if not chapter.notebook.exists():
            continue
        notebook = chapter.read_notebook()
        known = notebook.metadata.get("optcourse", {}).get("cells")
        if chapters.cells_fingerprint(notebook) == known:
            continue
        if chapter.twin.exists() and chapters.cells_fingerprint(chapter.read_twin()) not in (
            known,
            chapters.cells_fingerprint(notebook),
        ):
            conflicts += 1
            print(
                f"Both {relative(chapter.notebook)} and {relative(chapter.twin)} were edited.\n"
                "Undo one of them (git checkout), or delete the one you do not want."
            )
        elif chapter.write_twin(notebook):
            print(f"written  {relative(chapter.twin)}")
    print("Now run make execute." if not conflicts else "")
    return 1 if conflicts else 0


if __name__ == "__main__":
    sys.exit(main())
