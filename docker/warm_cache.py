"""Fill VRN_MODEL_CACHE_DIR with the compiled model, by the same objects that serve it. For image builds."""

import asyncio
import os
import sys

from vrn_cropper.service.core.build import Core, build_core
from vrn_cropper.service.settings import read_settings


def main() -> None:
    """Load and warm up the engine once. Raises CheckpointError or StartUpError; an empty cache is an error."""
    settings = read_settings(os.environ)
    asyncio.run(_start_and_close(build_core(settings)))
    blobs = [path.name for path in settings.model_cache_dir.rglob("*") if path.is_file()]
    if not blobs:
        sys.exit(f"the engine left nothing in {settings.model_cache_dir}")
    print("compiled models:", *blobs)


async def _start_and_close(core: Core) -> None:
    async with core.running():
        pass


if __name__ == "__main__":
    main()
