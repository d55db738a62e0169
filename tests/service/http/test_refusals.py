"""What a request that is not quite right is told: the name of what came, what was meant, what there is."""

import pytest


async def ask(serving, method: str, path: str, **sent):
    async with serving() as (client, _):
        answer = await client.request(method, path, **sent)
    assert answer.headers["content-type"] == "application/json"
    return answer, answer.json().get("error", {}).get("message", "")


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/crop", "/crop/image", "/score", "/crop/batch"])
@pytest.mark.parametrize("where", ["query", "form"])
async def test_an_unknown_option_is_refused_on_every_route(serving, photo_bytes, path, where):
    field = "images" if path == "/crop/batch" else "image"
    sent = {"params" if where == "query" else "data": {"ratio": "1:1"}}
    answer, message = await ask(serving, "POST", path, files={field: photo_bytes(60, 40, "PNG")}, **sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert "'ratio' is no option here; did you mean aspect_ratio?" in message


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "sent", "says"),
    [
        ("/crop", {"files": {"file": b"x"}}, "multipart field 'image' or as the body; got files in 'file'"),
        ("/crop", {"files": {"images": b"x"}}, "got files in 'images'"),
        ("/crop", {"files": [("image", b"x"), ("image", b"y")]}, "got files in 'image', 'image'"),
        ("/crop", {"files": {"photo": b"x"}, "data": {"top_k": "1"}}, "got files in 'photo' and text in 'top_k'"),
        ("/crop/batch", {"files": {"image": b"x"}}, "a field named 'images'; got files in 'image'"),
        ("/crop/batch", {"content": b"x"}, "got one photo as the body"),
    ],
)
async def test_a_body_without_the_photo_is_told_what_came(serving, path, sent, says):
    answer, message = await ask(serving, "POST", path, **sent)
    assert answer.status_code == 400
    assert says in message


@pytest.mark.asyncio
async def test_a_part_without_a_file_name_is_taken(serving, photo_bytes):
    photo = photo_bytes(60, 40, "PNG")
    for name, path in (("image", "/crop"), ("images", "/crop/batch")):
        head = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        body, headers = head + photo + b"\r\n--b--\r\n", {"content-type": "multipart/form-data; boundary=b"}
        answer, message = await ask(serving, "POST", path, content=body, headers=headers)
        assert answer.status_code == 200, message
        found = answer.json()["results"][0]["result"] if path == "/crop/batch" else answer.json()
        assert found["image"] == {"width": 60, "height": 40}


@pytest.mark.asyncio
async def test_a_photo_under_curls_own_content_type_is_taken_and_a_form_is_told_how_to_send_one(serving, photo_bytes):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer, _ = await ask(serving, "POST", "/crop", content=photo_bytes(60, 40, "JPEG"), headers=headers)
    assert answer.status_code == 200
    for content_type in ("application/x-www-form-urlencoded", "application/json"):
        answer, message = await ask(
            serving, "POST", "/crop", content=b"top_k=1", headers={"content-type": content_type}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported")
        assert content_type in message
        assert "-H 'Content-Type: image/jpeg'" in message


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/crops", "did you mean POST /crop?"), ("/crop/", "did you mean POST /crop?"),
        ("/health", "did you mean GET /healthz?"), ("/crop/img", "did you mean POST /crop/image?"),
        ("/nothing/like/it", "there are POST /crop, POST /crop/batch"),
    ],
)  # fmt: skip
async def test_a_path_that_is_none_is_told_the_nearest_and_all(serving, path, says):
    answer, message = await ask(serving, "POST", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert says in message
    assert "GET /docs" in message


@pytest.mark.asyncio
@pytest.mark.parametrize(("method", "path", "allow"), [("GET", "/crop", "POST"), ("DELETE", "/version", "GET")])
async def test_a_method_that_is_none_is_told_those_that_are(serving, method, path, allow):
    answer, message = await ask(serving, method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allow
    assert message == f"{path} is not answered for {method}; use {allow}"
