"""What the tests' workers do instead of decoding: whatever the request says."""

import os
import time
from pathlib import Path

from vrn_cropper.service.core.workers.limits import limit_memory


def make_answer(options):
    """For the nursery."""

    def answer(request, parts):
        task = request["task"]
        if task == "hang":
            time.sleep(3600)
        elif task == "burn":
            while True:
                pass
        elif task == "eat":
            limit_memory(request["allowed"])
            try:
                return {"eaten": len(bytearray(request["bytes"]))}, []
            except MemoryError:
                return {"eaten": None}, []
        elif task == "exit":
            os._exit(3)
        elif task == "long header":
            return {"said": "x" * 100_000}, []
        elif task == "environment":
            return {"names": sorted(os.environ)}, []
        elif task == "note":
            Path(request["path"]).write_text(str(os.getpid()), encoding="utf-8")
            time.sleep(3600)
        return {"pid": os.getpid(), "options": options}, [bytes(part)[::-1] for part in parts]

    return answer
