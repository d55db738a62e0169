"""Which page of a TIFF is the photo. Knows Pillow."""

from PIL import Image, TiffImagePlugin

MAX_PAGES = 16
_NEW_SUBFILE_TYPE = 254
_RAW_TAGS = frozenset({330, 50706})  # directories inside the directory, DNG's version
_REDUCED = 1  # bit of NewSubfileType: a smaller version of another picture of the file


def seek_full_page(image: Image.Image) -> bool:
    """Go to the first page that is no thumbnail, or to the first of all; False if that is a camera RAW file's.

    Other formats than TIFF are left as they are. Raises what Pillow raises for a damaged page.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return True
    for page in range(MAX_PAGES):
        try:
            image.seek(page)
        except EOFError:
            break
        if not int(image.tag_v2.get(_NEW_SUBFILE_TYPE, 0)) & _REDUCED:
            return True
    image.seek(0)
    return not _RAW_TAGS & set(image.tag_v2)
