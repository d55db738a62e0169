"""Builds the documentation site of this version: `python docs/build_site.py [FOLDER]`, by default `site/`.

The pages keep their places, so that a link works on the site as it does in the checkout. Each version has a folder of
its own, named in `versions.json`, from which the site's version menu is made: keep the older folders and build beside
them. Any warning stops it.
"""

import json
import logging
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("*.md", "docs/*.md", "model/*.md", "benchmarks/*.md")
PICTURES = ("docs/images/*", "model/weights/*.png")


def version() -> str:
    """Of the project, as its package has it."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def gather(folder: Path) -> None:
    """Copy pages and pictures into `folder`, each at its place in the checkout."""
    for pattern in (*PAGES, *PICTURES):
        for path in sorted(ROOT.glob(pattern)):
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)


def build_site(out: Path) -> Path:
    """Build this version's pages below `out`; the folder that they are in. Raises mkdocs' Abort at a warning."""
    number = version()
    with tempfile.TemporaryDirectory() as pages:
        gather(Path(pages))
        build(load_config(str(ROOT / "mkdocs.yml"), docs_dir=pages, site_dir=str(out / number)))
    versions = sorted(path.parent.name for path in out.glob("*/index.html"))
    told = [{"version": name, "title": name, "aliases": []} for name in reversed(versions)]
    (out / "versions.json").write_text(json.dumps(told), "utf-8")
    return out / number


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    print(build_site(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "site").resolve()))
