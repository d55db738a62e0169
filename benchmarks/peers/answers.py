"""Whether peers give the answers that we give: the same five boxes for the same photo."""

import json
import urllib.request
from collections.abc import Sequence

from benchmarks.peers.bodies import body_of, content_type_of
from benchmarks.peers.measure import Measured
from benchmarks.peers.process import PeerProcess
from benchmarks.peers.registry import Peer


def boxes_of(answer: bytes) -> list[list[int]]:
    """Boxes x1 y1 x2 y2 of an answer, ours or a peer's, best first."""
    document = json.loads(answer)
    if "boxes" in document:
        return [list(box) for box in document["boxes"]]
    boxes = [crop["box"] for crop in document["crops"]]
    return [[box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]] for box in boxes]


def agreement(running: Sequence[tuple[Measured, PeerProcess]], photos: list[bytes]) -> str:
    """One line a peer that runs the network: photos whose five boxes are ours, in our order."""
    (ours, own), *peers = running
    wanted = [boxes_of(_post(own.port, ours.peer, photo)) for photo in photos]
    lines = []
    for measured, process in peers:
        if measured.peer.runs_network and not measured.peer.is_ours:
            answers = [boxes_of(_post(process.port, measured.peer, photo)) for photo in photos]
            equal = sum(answer == ours for answer, ours in zip(answers, wanted, strict=True))
            lines.append(f"- {measured.peer.name}: {equal} of {len(photos)}")
    return "\n".join(lines) or "- no peer that runs the network was there"


def _post(port: int, peer: Peer, photo: bytes) -> bytes:
    headers = {"Content-Type": content_type_of(peer.form_field)}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{peer.path}", data=body_of(photo, peer.form_field), headers=headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())
