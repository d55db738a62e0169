#!/bin/sh
# Refresh the locks of the images: `docker/lock.sh` keeps what is locked, `docker/lock.sh --upgrade` takes newer
# versions. Needs uv. The locks name versions and hashes, never an index, so they work with any mirror; those of the
# images are for Python 3.11 on Linux, as they list (and `make sbom` reports) what is installed and no more.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1; shift
    uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
        --custom-compile-command docker/lock.sh --output-file "$out" "$@"
}
lock docker/requirements-build.lock --universal "$@" docker/requirements-build.in
lock docker/requirements.lock --python-platform x86_64-manylinux_2_28 --extra otel "$@" pyproject.toml
lock docker/requirements-cuda.lock --python-platform x86_64-manylinux_2_28 --extra otel "$@" \
    pyproject.toml docker/requirements-cuda.in
