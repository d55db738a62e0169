"""Imports go down only: the walls of ARCHITECTURE.md, held by parsing every module.

Imports inside functions count too, except where a rule says that a lazy import is what it allows.
"""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_LINES = 300  # the house style asks for 60 to 250; this is where it stops being a matter of taste

TORCH = {"torch", "torchvision", "safetensors", "onnx"}
HTTP = {"fastapi", "starlette", "uvicorn", "multipart", "python_multipart", "httptools", "h11"}
WINGS = [
    "model.views", "model.photos", "model.network", "model.data", "model.evaluation", "model.training",
    "service.core", "service.engines", "service.http", "service.sources",
]  # fmt: skip

# What each wing may import of the project besides itself. What is not in a wing is named module by module.
MODEL_GROUND = {
    "model.command_line",
    "model.cpu_flags",
    "model.errors",
    "model.files",
    "model.progress",
    "model.views",
    "model.photos",
}
MODEL_MIDDLE = MODEL_GROUND | {"model.network", "model.data"}
SERVICE_WORDS = {"service.errors", "service.error_codes", "service.settings"}
CORE = {"service.core", "service.engines"} | SERVICE_WORDS
MAY_IMPORT = {
    "model.views": MODEL_GROUND,
    "model.photos": MODEL_GROUND,
    "model.network": MODEL_GROUND,
    "model.data": MODEL_GROUND,
    "model.evaluation": MODEL_MIDDLE,
    "model.training": MODEL_MIDDLE | {"model.evaluation"},
    "model": {"model"},
    "service.engines": {"model"} | SERVICE_WORDS,
    "service.core": {"model", "service.engines"} | SERVICE_WORDS,
    "service.sources": {"service.errors", "model.errors"},
    "service.http": {"model", "service"},
    "service.metrics": {"service.error_codes", "service.core"},
    "service": {"service", "model"},
    "cli": {"cli", "model", "vrn_cropper", "service.__main__", "service.answers"} | CORE,
    "benchmarks": {"benchmarks", "model"} | CORE,
    "vrn_cropper": {"model"},
}
# Serving on a CPU has no torch installed, so these wings and all that they import must do without.
TORCH_FREE = (
    "model.views",
    "model.photos",
    "model.data",
    "model.cropper",
    "model.errors",
    "model.network.export_info",
    "model.network.inference",
    "model.network.reference",
)
# Modules that are commands: the only ones beside `cli` that know a command line's options.
COMMANDS = (
    "benchmarks.attack.__main__", "benchmarks.decode_fidelity", "benchmarks.engines", "benchmarks.gpu",
    "benchmarks.peers.__main__",
    "benchmarks.precision_fidelity", "benchmarks.serving.__main__", "model.command_line", "model.evaluation.__main__",
    "model.evaluation.figures", "model.network.export", "model.network.face_graph",
    "model.training.ablation", "model.training.detector_weights", "model.training.paper_tables",
)  # fmt: skip
# Which modules may import a package, by the start of their names.
ONLY_IN = {
    "torch": ("model.network", "model.evaluation", "model.training", "service.engines"),
    "openvino": ("model.network.inference",),
    "onnxruntime": ("model.network.inference", "model.network.face_finder", "benchmarks.peers"),
    "PIL": ("model", "service.core", "benchmarks", "docs"),
    "httpcore": ("service.sources",),
    "fastapi": ("service.http", "service.server", "service.composition"),
    "prometheus_client": ("service.metrics", "service.composition", "service.http.routes_state"),
    "typer": ("cli", *COMMANDS),
    "rich": ("cli", "model.progress"),
    "ray": ("cli.bulk",),
    "pyarrow": ("cli.bulk",),
    "pydantic": ("service.http", "service.answers", "service.settings"),
}
# A lazy import of a command that starts the server, and of what the command line shares with the answers.
LAZY_HTTP = {"cli.app": {"service.__main__"}}
BATCHER_KNOWS_NOT = {"torch", "PIL", "fastapi", "pydantic", "prometheus_client", "onnxruntime", "openvino"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for package in ("model", "service", "cli", "benchmarks")
    for path in sorted((ROOT / package).rglob("*.py"))
    # The peers of the benchmark are written as other people would write them.
    if path.stat().st_size and "peers/servers" not in path.as_posix()
} | {"vrn_cropper": ROOT / "vrn_cropper" / "__init__.py"}


def imported_names(tree: ast.AST) -> set[str]:
    """Dotted names of everything imported anywhere in a tree; `from a import b` gives `a` and `a.b`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@functools.cache
def imports_of(name: str) -> set[str]:
    """As the module writes them."""
    return imported_names(tree_of(name))


def own_imports_of(name: str) -> set[str]:
    """Modules of this project, by their folders' names."""
    return {imported.removeprefix("vrn_cropper.") for imported in imports_of(name)} & MODULES.keys()


def packages_of(name: str) -> set[str]:
    return {imported.split(".")[0] for imported in imports_of(name)}


@functools.cache
def reachable_from(name: str) -> set[str]:
    """The module and every module of this project that importing it imports."""
    seen, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += own_imports_of(current)
    return seen


def below(name: str, starts: set[str] | tuple[str, ...] | list[str]) -> bool:
    """Whether a module is one of `starts` or inside one."""
    return any(name == start or name.startswith(start + ".") for start in starts)


def wing_of(name: str) -> str:
    """The longest entry of MAY_IMPORT that holds a module."""
    return max((start for start in MAY_IMPORT if below(name, [start])), key=len)


def test_the_parser_sees_every_form_of_import():
    source = "import a.b as c\ndef f():\n    from d.e import g\nif True:\n    import h\n"
    assert imported_names(ast.parse(source)) == {"a.b", "d.e", "d.e.g", "h"}


@pytest.mark.parametrize("name", MODULES)
def test_the_project_is_imported_by_its_one_name(name):
    """`import model` works in the checkout by chance and would load every module a second time."""
    assert not packages_of(name) & {"model", "service", "cli"}


@pytest.mark.parametrize("name", MODULES)
def test_a_wing_imports_only_those_below_it(name):
    wing = wing_of(name)
    above = {imported for imported in own_imports_of(name) if not below(imported, MAY_IMPORT[wing] | {wing})}
    assert not above


@pytest.mark.parametrize("name", [name for name in MODULES if below(name, ["model"])])
def test_model_knows_nothing_of_http_metrics_or_the_environment(name):
    assert not packages_of(name) & (HTTP | {"pydantic", "prometheus_client"})
    attributes = {node.attr for node in ast.walk(tree_of(name)) if isinstance(node, ast.Attribute)}
    assert not attributes & {"environ", "getenv"}
    assert not imports_of(name) & {"os.environ", "os.getenv"}


@pytest.mark.parametrize("name", [name for name in MODULES if below(name, TORCH_FREE)])
def test_what_serving_on_a_cpu_imports_needs_no_torch(name):
    assert not {module for module in reachable_from(name) if packages_of(module) & TORCH}


@pytest.mark.parametrize("name", MODULES)
def test_a_library_is_known_only_where_the_table_says(name):
    for package, starts in ONLY_IN.items():
        assert package not in packages_of(name) or below(name, starts), package


@pytest.mark.parametrize("name", [name for name in MODULES if below(name, ["service.core", "service.engines"])])
def test_core_and_engines_reach_no_http_and_no_metrics(name):
    for module in reachable_from(name):
        assert not packages_of(module) & (HTTP | {"prometheus_client"}), module


@pytest.mark.parametrize("name", [name for name in MODULES if below(name, ["cli", "benchmarks"])])
def test_command_line_and_benchmarks_know_no_http(name):
    assert not packages_of(name) & (HTTP | {"pydantic", "prometheus_client"})
    for imported in own_imports_of(name) - LAZY_HTTP.get(name, set()):
        assert not below(imported, ["service.http", "service.server", "service.composition", "service.metrics"])


def test_the_batcher_is_generic():
    for module in reachable_from("service.core.batcher"):
        assert not packages_of(module) & BATCHER_KNOWS_NOT, module
        # The errors of the service know those of the core, which know nothing.
        assert below(
            module, ["service.core.batcher", "service.core.batch_contract", "service.errors", "model.errors"]
        ), module


def test_no_module_imports_itself_through_others():
    for name in MODULES:
        for imported in own_imports_of(name):
            assert name not in reachable_from(imported) or name == imported, f"{name} <-> {imported}"


def test_every_wing_is_a_folder_that_says_what_it_holds():
    for wing in WINGS:
        assert ast.get_docstring(tree_of(wing)), wing


@pytest.mark.parametrize("name", MODULES)
def test_importing_a_module_has_no_effect(name):
    definitions = (
        ast.Import,
        ast.ImportFrom,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Assign,
        ast.AnnAssign,
    )
    for node in tree_of(name).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        guarded = isinstance(node, ast.If) and ast.unparse(node.test) in ("__name__ == '__main__'", "TYPE_CHECKING")
        assert isinstance(node, definitions) or docstring or guarded, f"{name}:{node.lineno}"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_and_stays_readable(name):
    assert ast.get_docstring(tree_of(name))
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= MAX_LINES
