"""Images to upload."""

import io
from typing import Any

from PIL import Image, ImageDraw


def picture(format: str = "PNG", size: tuple[int, int] = (320, 200), **options: Any) -> bytes:
    """An image file with something to see in it."""
    canvas = Image.new("RGB", size, "white")
    ImageDraw.Draw(canvas).rectangle((20, 20, 120, 60), fill="red")
    file = io.BytesIO()
    canvas.save(file, format, **options)
    return file.getvalue()
