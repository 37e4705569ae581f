"""Results of experiments as files: CSV for everybody, netCDF with labels."""

import json
import os
from pathlib import Path

FORMATS = (".csv", ".nc")


def check_path(path: Path) -> Path:
    """The path; ValueError for an ending that is no format of ours, or a folder that does not exist."""
    if path.suffix not in FORMATS:
        raise ValueError(f"{path.name} must end in {' or '.join(FORMATS)}: CSV for spreadsheets, netCDF with labels.")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}: make it, or choose another.")
    return path


def save(data, path: Path) -> None:
    """Write a dataset; the file is complete at every moment, also when this is interrupted."""
    half = path.with_name(f".{path.stem}.half{path.suffix}")
    if path.suffix == ".nc":
        data.to_netcdf(half, engine="scipy")
    else:
        with half.open("w", encoding="utf-8", newline="") as file:
            file.write(f"# {json.dumps(data.attrs, default=float)}\n")
            data.to_dataframe().to_csv(file, na_rep="nan")
    os.replace(half, path)


def load(path) -> object:
    """The dataset that `save` wrote, from either format.

    Raises:
        ValueError: for a file that no experiment has written.
    """
    import xarray

    path = Path(path)
    if path.suffix == ".nc":
        with xarray.open_dataset(path, engine="scipy") as data:
            return data.load()
    return _load_csv(path)


def _as_written(column):
    """Texts as the truth values or numbers that they stand for; Python reads a float to the last bit."""
    if set(column) <= {"True", "False"}:
        return column == "True"
    try:
        return column.astype(float)
    except ValueError:
        return column


def _load_csv(path):
    import pandas as pd
    import xarray

    with path.open(encoding="utf-8") as file:
        first = file.readline()
        try:
            attrs = json.loads(first.removeprefix("# "))
            axes = attrs["axes"].split()
        except (AttributeError, ValueError, KeyError, TypeError):
            raise ValueError(f"{path} is not a file of an experiment: its first line holds no settings.") from None
        table = pd.read_csv(file, dtype=str, keep_default_na=False).apply(_as_written)
    order = {axis: table[axis].unique() for axis in axes}
    data = xarray.Dataset.from_dataframe(table.set_index(axes))
    data = data.sel({axis: values for axis, values in order.items()})  # from_dataframe sorts
    data.attrs = attrs
    return data
