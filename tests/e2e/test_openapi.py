"""The served OpenAPI document keeps its word: Schemathesis sends what it allows and what it forbids.

Every answer has a documented status, content type, headers and body; what the document allows is not refused as
a bad request, and what it forbids is.
"""

from collections import Counter
from io import BytesIO
from pathlib import Path

import pillow_heif
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import Config, GenerationMode

PHOTOS = Path(__file__).parents[1] / "photos"
EXAMPLES = 25  # of each operation and mode
# Valid by the document, and yet: a photo that is none (413, 415, 422), an option that this photo cannot meet (422),
# a deadline of a few milliseconds (504).
EXPECTED = ["2xx", "413", "415", "422", "504"]
CHECKS = {
    "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "504"]},
    "positive_data_acceptance": {"expected-statuses": EXPECTED},
    "negative_data_rejection": {"expected-statuses": ["400", "431", *EXPECTED[1:]]},
}


def in_format(file_format: str, mode: str = "RGB", **options: object) -> bytes:
    with Image.open(PHOTOS / "coffee.jpg") as photo:
        buffer = BytesIO()
        photo.resize((90, 60)).convert(mode).save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module", autouse=True)
def _photos_and_wishes():
    """What the document can only name by format: photos, real and broken, ratios and boxes that are possible."""
    pillow_heif.register_heif_opener()
    photos = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))]
    photos += [in_format(name) for name in ("PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF")]
    photos += [in_format("JPEG", "CMYK"), in_format("PNG", "RGBA"), in_format("PNG", "1")]
    broken = [b"", b"\x00no photo", b"<svg/>", b"\xff\xd8\xff", photos[0][:2000], in_format("PNG")[:200]]
    uploads = st.sampled_from(2 * photos + broken)
    schemathesis.openapi.format("binary", uploads)
    for media_type in ("image/*", "application/octet-stream"):
        schemathesis.openapi.media_type(media_type, uploads)
    side = st.integers(2, 400)  # boxes of ones alone are fractions
    ratio = st.builds("{}{}{}".format, st.integers(1, 100), st.sampled_from(":/"), st.integers(1, 100))
    schemathesis.openapi.format("aspect-ratio", st.sampled_from(["free", "1:1", "16:9", "1.91:1", "0.8"]) | ratio)
    pixels = st.builds("{},{},{},{}".format, side, side, side, side)
    shares = st.builds("0.{},0.{},0.{},0.{}".format, *[st.integers(1, 4)] * 4)
    schemathesis.openapi.format("box", pixels | shares)
    edges = st.builds(lambda x, y, w, h: f"{x},{y},{x + w},{y + h}", side, side, side, side)
    schemathesis.openapi.format("box-edges", edges)
    schemathesis.openapi.format("widths", st.sampled_from(["30", "20,40", "10, 60,1"]))


@pytest.fixture
def served(start_server):
    """The document of a real server with the shipped model, ready to be tried."""
    server = start_server(VRN_DEVICE="cpu").wait_ready()
    return schemathesis.openapi.from_url(
        server.url("/openapi.json"), config=Config.from_dict({"request-timeout": 60, "checks": CHECKS})
    )


def give_a_box(case) -> None:
    """A box to score is given in one of two spellings, which no schema can say."""
    if case.path == "/score" and not (case.query.get("box") or case.query.get("box_xyxy")):
        case.query["box"] = ["1,1,50,50"]


def try_operation(operation, mode: GenerationMode) -> Counter:
    """Send examples of one operation and check the answers; how often each status came."""
    statuses: Counter = Counter()

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers_as_documented(case):
        if mode is GenerationMode.POSITIVE:
            give_a_box(case)
            if case.path == "/crop/images":  # the most pictures that one request makes is no rule of one option
                case.query.pop("top_k", None)
        # Bytes that are no photo are no bad request of a batch: they are answered in their own entry.
        assume(case.path != "/crop/batch" or "`format`" not in str(case.meta.phase.data.description))
        answer = case.call_and_validate()
        statuses[answer.status_code] += 1
        media_type = answer.headers["content-type"][0]
        if media_type.startswith("image/"):
            with Image.open(BytesIO(answer.content)) as picture:
                assert picture.get_format_mimetype() == media_type

    answers_as_documented()
    return statuses


def operations(schema):
    return {operation.label: operation for operation in (result.ok() for result in schema.get_all_operations())}


def test_what_the_document_allows_is_answered_as_documented(served):
    found = operations(served)
    assert set(found) == {
        "POST /crop", "POST /crop/batch", "POST /crop/image", "POST /crop/images", "POST /score",
        "GET /healthz", "GET /readyz", "GET /metrics", "GET /version",
    }  # fmt: skip
    for label, operation in found.items():
        statuses = try_operation(operation, GenerationMode.POSITIVE)
        # Many fuzzed requests must get through, or little was tried; how many deadlines pass is the machine's matter.
        in_time = statuses.total() - statuses[504]
        assert statuses[200] >= (0.3 * in_time if label.startswith("POST") else 1), (label, statuses)


def breaking_values(schema: dict) -> list[list[str]]:
    """Values of an option, each of which breaks one rule of its schema."""
    if schema["type"] == "array":
        valid = "free" if schema["items"]["format"] == "aspect-ratio" else "0.1,0.1,0.5,0.5"
        return [*breaking_values(schema["items"]), [valid] * (schema["maxItems"] + 1)]
    values = ["nonsense"]
    if schema.get("pattern") or schema["type"] != "string":
        values.append("")
    if "minimum" in schema:
        values.append(str(schema["minimum"] - 1))
    if "exclusiveMinimum" in schema:
        values.append(str(schema["exclusiveMinimum"]))
    if "maximum" in schema:
        values.append(str(schema["maximum"] + 1))
    return [[value] for value in values]


def body_of(label: str, photo: bytes) -> dict:
    return {"images": [photo]} if label == "POST /crop/batch" else {"image": photo}


def test_every_rule_of_the_document_is_held_on_its_own(served):
    photo = in_format("PNG")
    tried = 0
    for label, operation in operations(served).items():
        for option in operation.definition.raw.get("parameters", []):
            for values in breaking_values(option["schema"]):
                case = operation.Case(body=body_of(label, photo), media_type="multipart/form-data")
                give_a_box(case)
                (case.query if option["in"] == "query" else case.headers)[option["name"]] = (
                    values if option["schema"]["type"] == "array" else values[0]
                )
                answer = case.call()
                assert answer.status_code == 400, (label, option["name"], values, answer.text)
                assert option["name"].partition("_")[0].lower() in answer.json()["error"]["message"].lower()
                tried += 1
    assert tried > 50


def test_what_the_document_forbids_is_refused(served):
    for label in ("POST /crop", "POST /crop/batch", "POST /crop/image", "POST /crop/images", "POST /score"):
        statuses = try_operation(operations(served)[label], GenerationMode.NEGATIVE)
        assert statuses[400] > 0.5 * statuses.total(), (label, statuses)


def test_without_the_key_every_closed_operation_answers_the_documented_401(start_server):
    server = start_server(VRN_DEVICE="cpu", VRN_API_KEYS="k" * 32).wait_ready()
    for label, operation in operations(schemathesis.openapi.from_url(server.url("/openapi.json"))).items():
        answer = operation.Case().call()
        is_open = label in ("GET /healthz", "GET /readyz")
        assert answer.status_code == (200 if is_open else 401), label
        operation.validate_response(answer)
