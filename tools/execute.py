"""Make every notebook from its text twin, executing those whose outputs are out of date (`make execute`)."""

import argparse
import base64
import io
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

import assignments
import chapters
import claims
import galleries
import launch
import nbformat
from chapters import Chapter, relative
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from PIL import Image

CELL_TIMEOUT = 300
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
RUNTIME = re.compile(r'\n?<script class="optcourse-runtime">.*?</script>', re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="chapters, as in _toc.yml without book/ (default: all)")
    parser.add_argument("--force", action="store_true", help="execute also what is up to date")
    arguments = parser.parse_args()
    chapters.settle_environment()

    todo = [*chapters.chapters(), *assignments.student_notebooks()]
    unknown = set(arguments.names) - {chapter.name for chapter in todo}
    if unknown or not todo:
        print(f"Not a chapter of _toc.yml: {', '.join(sorted(unknown)) or 'the table of contents is empty'}.")
        return 1
    if arguments.names:
        todo = [chapter for chapter in todo if chapter.name in arguments.names]

    failed, to_run = [], []
    for chapter in todo:
        try:
            notebook = from_twin(chapter)
        except ValueError as error:
            print(error)
            failed.append(chapter)
            continue
        if arguments.force or not is_executed(notebook):
            to_run.append(chapter)
        else:
            changed = save(chapter, notebook, chapters.code_fingerprint(notebook))
            report("text updated" if changed else "up to date", chapter)
    for master in assignments.masters():
        try:
            changed = assignments.write_source(master, from_twin(master))
            report("text updated" if changed else "up to date", master)
        except ValueError as error:
            print(error)
            failed.append(master)

    with ProcessPoolExecutor(max_workers=2) as pool:
        running = {pool.submit(execute, chapter): chapter for chapter in to_run}
        for done in as_completed(running):
            if problem := done.result():
                failed.append(running[done])
                print(problem, flush=True)

    written = [claims.PAGE] if claims.write() else []
    for page in [*written, *galleries.write()]:
        print(f"{'written':>14}  {relative(page)}")
    if failed:
        names = ", ".join(relative(chapter.notebook) for chapter in failed)
        print(f"\nLeft as they were: {names}. Everything else is up to date.")
    return 1 if failed else 0


def report(what: str, chapter: Chapter) -> None:
    print(f"{what:>14}  {relative(chapter.notebook)}", flush=True)


def from_twin(chapter: Chapter):
    """The notebook that the twin describes, with the stored outputs where they are still true."""
    if not chapter.twin.exists():
        raise ValueError(f"{relative(chapter.notebook)} has no text yet. `make twins` writes {relative(chapter.twin)}.")
    notebook = chapter.read_twin()
    if not chapter.notebook.exists():
        return notebook
    stored = chapter.read_notebook()
    known = stored.metadata.get("optcourse", {})
    cells = chapters.cells_fingerprint(stored)
    if cells not in (known.get("cells"), chapters.cells_fingerprint(notebook)):
        raise ValueError(
            f"{relative(chapter.notebook)} was edited since it was made from {relative(chapter.twin)}.\n"
            f"{chapter.if_edited} Then run make execute again."
        )
    same_code = known.get("code") == chapters.code_fingerprint(notebook)
    if same_code and known.get("outputs") == chapters.outputs_fingerprint(stored):
        keep_outputs(notebook, stored)
    return notebook


def keep_outputs(notebook, stored) -> None:
    new, old = map(chapters.written_code, (notebook, stored))
    for cell, before in zip(new, old, strict=True):
        cell.outputs = before.outputs
    # The setup cell, which may be new, counts too.
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count


def is_executed(notebook) -> bool:
    return all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


def execute(chapter: Chapter) -> str | None:
    """Run a chapter in its own kernel and save it; on failure leave the old notebook and say which cell failed."""
    began = time.perf_counter()
    notebook = chapter.read_twin()
    code = chapters.code_fingerprint(notebook)  # before it runs: the package may be edited meanwhile
    if problem := run(notebook, chapter):
        return problem
    save(chapter, notebook, code)
    print(f"{time.perf_counter() - began:>12.1f} s  {relative(chapter.notebook)}", flush=True)
    return None


def run(notebook, chapter: Chapter) -> str | None:
    """Run the cells of a notebook in a kernel of its own; on failure say which of them failed."""
    started = []
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=40"],  # no warnings about how it is reached
        resources={"metadata": {"path": str(chapter.notebook.parent)}},
        on_cell_execute=lambda cell, cell_index: started.append(cell),
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        of = chapters.written_code(notebook)
        return f"\n{relative(chapter.twin)}: code cell {len(launch.remove_setup(started))} of {len(of)} failed\n{error}"
    shrink_pictures(notebook)
    keep_one_runtime(notebook)
    drop_widget_views(notebook)
    return None


def shrink_pictures(notebook) -> None:
    """Store pictures with a palette of 64 colours: a fifth of the bytes, and no difference to be seen."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).convert("RGB")
                small = io.BytesIO()
                # Maximum coverage keeps the colours of thin lines; other methods sacrifice them to large areas.
                picture = picture.quantize(64, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
                picture.save(small, "PNG", optimize=True)
                output.data["image/png"] = base64.b64encode(small.getvalue()).decode("ascii")


def keep_one_runtime(notebook) -> None:
    """Store the script that brings live figures to life with the first of them only: it serves the whole page."""
    stored = False
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if RUNTIME.search(output.get("data", {}).get("text/html", "")):
                if stored:
                    output.data["text/html"] = RUNTIME.sub("", output.data["text/html"])
                stored = True


def drop_widget_views(notebook) -> None:
    """Store no view of a widget: without its kernel it is an error message, and hides what stands beside it."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
    notebook.metadata.pop("widgets", None)


def save(chapter: Chapter, notebook, code: str) -> bool:
    """Write notebook and twin in their normal form; say whether either changed."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata = nbformat.from_dict(chapters.NOTEBOOK_METADATA)
    notebook.metadata["optcourse"] = {
        **chapter.marks,
        "cells": chapters.cells_fingerprint(notebook),
        "code": code,
        "outputs": chapters.outputs_fingerprint(notebook),
    }
    nbformat.validate(notebook)
    changed = chapters.write_if_changed(chapter.notebook, nbformat.writes(notebook, version=4) + "\n")
    return chapter.write_twin(notebook) or changed


if __name__ == "__main__":
    sys.exit(main())
