"""The number formats of the course, by name."""

from optcourse.precision.formats import Format
from optcourse.suggestions import did_you_mean

_IEEE = "IEEE 754-2019"
_FLOAT8 = "Micikevicius et al. 2022, arXiv:2209.05433"

FORMATS = {
    form.name: form
    for form in (
        Format("float32", 8, 23, source=_IEEE),
        Format("float16", 5, 10, bytes=2, source=_IEEE),
        Format("bfloat16", 8, 7, bytes=2, source="Kalamkar et al. 2019, arXiv:1905.12322"),
        Format("float8_e4m3", 4, 3, has_infinity=False, bytes=1, source=_FLOAT8),
        Format("float8_e5m2", 5, 2, bytes=1, source=_FLOAT8),
        Format("tf32", 8, 10, source="NVIDIA A100 Tensor Core GPU Architecture, 2020"),
    )
}
ALIASES = {"half": "float16", "float8_e4m3fn": "float8_e4m3", "single": "float32"}


def catalogue() -> dict[str, Format]:
    """Every format of the course, by name.

    >>> list(catalogue())
    ['float32', 'float16', 'bfloat16', 'float8_e4m3', 'float8_e5m2', 'tf32']
    """
    return dict(FORMATS)


def get(name) -> Format:
    """The format called `name` (or a `Format`, which is returned); a KeyError suggests the nearest right name.

    >>> get("bfloat16")
    <Format bfloat16: 8 exponent bits, 7 mantissa bits, epsilon 2^-7, largest 3.38953e+38>
    """
    if isinstance(name, Format):
        return name
    found = FORMATS.get(ALIASES.get(str(name).lower(), str(name).lower()))
    if found is None:
        raise KeyError(f"no number format {name!r}.{did_you_mean(name, FORMATS)} There are: {', '.join(FORMATS)}.")
    return found
