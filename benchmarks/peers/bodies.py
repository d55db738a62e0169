"""A photo as the body of a request: itself, or one field of a form for peers that take nothing else."""

_BOUNDARY = b"photo-boundary"


def content_type_of(form_field: str | None) -> str:
    """Of a body by `body_of`."""
    return "image/jpeg" if form_field is None else f"multipart/form-data; boundary={_BOUNDARY.decode()}"


def body_of(photo: bytes, form_field: str | None) -> bytes:
    """The photo, or a form with it in `form_field`."""
    if form_field is None:
        return photo
    head = (
        b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    return head % (_BOUNDARY, form_field.encode()) + photo + b"\r\n--%s--\r\n" % _BOUNDARY
