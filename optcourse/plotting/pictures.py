"""Pictures that are carried inside a page."""

import base64
import io

from PIL import Image


def packed(picture: Image.Image, colors: int = 32) -> str:
    """A picture as WebP in base64, of few colours: bytes count, a page may hold many."""
    few = picture.convert("RGB").quantize(colors, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.convert("RGB").save(file, "WEBP", lossless=True, quality=100, method=6)
    return base64.b64encode(file.getvalue()).decode("ascii")
