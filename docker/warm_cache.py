"""Fill VRN_MODEL_CACHE_DIR with the compiled model, by the same objects that serve it. For image builds."""

import os
import sys

from vrn_cropper.service.core.build import build_core
from vrn_cropper.service.settings import read_settings


def main() -> None:
    """Load and warm up the engine once. Raises CheckpointError or StartUpError; an empty cache is an error."""
    settings = read_settings(os.environ)
    core = build_core(settings)
    core.runner.engine.load()
    core.runner.engine.warm_up()
    core.runner.engine.close()
    core.pool.close()
    blobs = [path.name for path in settings.model_cache_dir.rglob("*") if path.is_file()]
    if not blobs:
        sys.exit(f"the engine left nothing in {settings.model_cache_dir}")
    print("compiled models:", *blobs)


if __name__ == "__main__":
    main()
