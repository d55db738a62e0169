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
# Serving on CUDA imports neither of these: triton is torch.compile's, OpenVINO the CPU engine's in bf16 (1.2 GB unpacked).
lock docker/requirements-cuda.lock --python-platform x86_64-manylinux_2_28 --extra otel \
    --no-emit-package triton --no-emit-package openvino --no-emit-package openvino-telemetry "$@" \
    pyproject.toml docker/requirements-cuda.in

# The CPU image is built for arm64 as well: every locked version has a wheel that fits Debian 12 there (glibc 2.36).
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
uv pip install --quiet --dry-run --target "$target" --python-version 3.11 --python-platform aarch64-manylinux_2_36 \
    --require-hashes --only-binary :all: --requirements docker/requirements.lock
echo "docker/requirements.lock holds for aarch64 as well"
