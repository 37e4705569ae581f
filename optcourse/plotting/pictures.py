"""Pictures that are carried inside a page."""

import base64
import io

from PIL import Image


def packed(picture: Image.Image, colors: int = 32) -> str:
    """A picture as WebP in base64: of few colours, or where that is smaller, with a little loss."""
    picture = picture.convert("RGB")
    few = picture.quantize(colors, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE).convert("RGB")
    tries = (_webp(few, lossless=True, quality=100), _webp(picture, quality=60))
    return base64.b64encode(min(tries, key=len)).decode("ascii")


def _webp(picture, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", method=6, **options)
    return file.getvalue()
