"""Imports go down only: the table of ARCHITECTURE.md, held by parsing every module.

Imports inside functions count too, except where a rule says that a lazy import is what it allows.
"""

import ast
import fnmatch
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_LINES = 300  # the house style asks for 60 to 250; this is where it stops being a matter of taste

TORCH = {"torch", "torchvision", "safetensors", "onnx"}
HTTP = {"fastapi", "starlette", "uvicorn", "pydantic", "pydantic_settings", "prometheus_client", "multipart"}

# Serving on a CPU has no torch installed, so these and all that they import must do without.
TORCH_FREE = [
    "model.boxes",
    "model.candidates",
    "model.transforms",
    "model.ranking",
    "model.errors",
    "model.exported",
    "model.colour",
    "model.photo_input",
    "model.crop_options",
    "model.crops",
    "model.cropper",
    "model.dataset",
    "model.human_crops",
    "model.metrics",
    "model.geometry",
    "model.baselines",
]

# Which modules of the service may import a package (patterns of module names below `service.`).
ONLY_IN = {
    "torch": ["engine_torch", "engine_choice"],
    "openvino": ["engine_openvino", "engine_choice"],
    "PIL": ["decode*", "encode", "cropping"],
    "fastapi": ["app", "routes*", "intake", "upload", "error_table", "server", "envelope"],
    "pydantic": ["schemas", "routes", "app", "settings"],
    "prometheus_client": ["metrics", "routes", "composition"],
}
# The cropping core and the composition root; everyone may know the core's errors and what an export says of
# itself.
MODEL_IMPORTERS = ["decode*", "encode", "engine*", "cropping", "composition"]
MODEL_VOCABULARY = {"model.errors", "model.exported", "model.crop_options", "model.crops"}
# What each package may import of this project, and of the service's modules those that it is built on.
LAYERS = {
    "model": {"model"},
    "service": {"service", "model"},
    "cli": {"cli", "service", "model"},
    "benchmarks": {"benchmarks", "service", "model"},
}
EXTRA_IMPORTS = {"model.evaluate": {"benchmarks"}}  # other authors' croppers, where they are installed
SERVICE_MODULES_KNOWN_TO = {
    "cli": {
        "__main__",
        "composition",
        "cropping",
        "error_table",
        "metrics",
        "picture_options",
        "schemas",
        "settings",
    },
    "benchmarks": {"cpu_limit", "decode", "engine", "engine_openvino", "settings"},  # the stages, measured alone
}
TERMINAL = {"typer", "rich", "click"}
KNOW_TERMINALS = {"cli.app", "cli.crop_command"}
BATCHER_KNOWS_NOT = {"torch", "PIL", "fastapi", "pydantic", "prometheus_client", "openvino", "model"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for package in ("model", "service", "cli", "benchmarks")
    for path in sorted((ROOT / package).rglob("*.py"))
    if path.stat().st_size
}
SERVICE = sorted(name for name in MODULES if name.startswith("service."))


def imported_names(tree: ast.AST) -> set[str]:
    """Dotted names of everything imported anywhere in a tree; `from a import b` gives `a` and `a.b`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@functools.cache
def imports_of(name: str) -> set[str]:
    return imported_names(tree_of(name))


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
            waiting += imports_of(current) & MODULES.keys()
    return seen


def allowed(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name.removeprefix("service."), pattern) for pattern in patterns)


def test_the_parser_sees_every_form_of_import():
    source = "import a.b as c\ndef f():\n    from d.e import g\nif True:\n    import h\n"
    assert imported_names(ast.parse(source)) == {"a.b", "d.e", "d.e.g", "h"}


@pytest.mark.parametrize("name", [name for name in MODULES if name.split(".")[0] == "model"])
def test_model_knows_nothing_of_http_metrics_or_the_environment(name):
    assert not packages_of(name) & (HTTP | {"service"})
    attributes = {node.attr for node in ast.walk(tree_of(name)) if isinstance(node, ast.Attribute)}
    assert not attributes & {"environ", "getenv"}
    assert not imports_of(name) & {"os.environ", "os.getenv"}


@pytest.mark.parametrize("name", TORCH_FREE)
def test_what_serving_on_a_cpu_imports_needs_no_torch(name):
    users = {module for module in reachable_from(name) if packages_of(module) & TORCH}
    assert not users


@pytest.mark.parametrize("name", SERVICE)
def test_a_library_is_known_only_where_the_table_says(name):
    for package, patterns in ONLY_IN.items():
        assert package not in packages_of(name) or allowed(name, patterns), package


@pytest.mark.parametrize("name", SERVICE)
def test_only_the_cropping_core_and_the_composition_root_import_the_model(name):
    own = {imported for imported in imports_of(name) & MODULES.keys() if imported.startswith("model.")}
    assert allowed(name, MODEL_IMPORTERS) or own <= MODEL_VOCABULARY


@pytest.mark.parametrize("name", MODULES)
def test_a_package_imports_only_those_below_it(name):
    own = {imported.split(".")[0] for imported in imports_of(name)} & LAYERS.keys()
    assert own <= LAYERS[name.split(".")[0]] | EXTRA_IMPORTS.get(name, set())


@pytest.mark.parametrize("name", [name for name in MODULES if name.split(".")[0] in SERVICE_MODULES_KNOWN_TO])
def test_command_line_and_benchmarks_know_the_core_and_no_http(name):
    assert not packages_of(name) & {"fastapi", "starlette", "uvicorn", "pydantic"}
    known = {imported.split(".")[1] for imported in imports_of(name) & MODULES.keys() if imported in SERVICE}
    assert known <= SERVICE_MODULES_KNOWN_TO[name.split(".")[0]]


@pytest.mark.parametrize("name", MODULES)
def test_only_the_command_line_s_front_knows_terminals(name):
    assert name in KNOW_TERMINALS or not packages_of(name) & TERMINAL


def test_the_batcher_is_generic():
    assert not packages_of("service.batcher") & BATCHER_KNOWS_NOT
    reached = reachable_from("service.batcher")
    for module in reached:
        assert not packages_of(module) & (BATCHER_KNOWS_NOT - {"model"}), module
    # The errors of the service know those of the core, which know nothing.
    assert {module for module in reached if module.startswith("model.")} <= {"model.errors"}


def test_no_module_imports_itself_through_others():
    for name in MODULES:
        for imported in imports_of(name) & MODULES.keys():
            assert name not in reachable_from(imported) or name == imported, f"{name} <-> {imported}"


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
