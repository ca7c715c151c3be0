"""docs/security.md says what is so."""

import ast
import re
from functools import cache
from pathlib import Path

import settings

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "security.md").read_text()


@cache
def functions(module: Path) -> set[str]:
    """The tests in a file."""
    nodes = ast.walk(ast.parse(module.read_text()))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in nodes if isinstance(node, kinds) and node.name.startswith("test_")}


def named() -> set[tuple[str, str]]:
    """The tests that the page names: file and function, or no function for a whole file."""
    found = set()
    for line in PAGE.splitlines():
        module = ""
        for word in re.findall(r"`([\w/]*test_\w+(?:\.\w+)?)`", line):
            if "/" in word or "." in word or (TESTS / f"{word}.py").is_file():
                module, _, function = word.partition(".")
            else:
                function = word
            found.add((module, function))
    return found


def test_the_tests_that_are_named_exist() -> None:
    """Each, by its file and its name."""
    assert len(named()) > 100
    for module, function in named():
        path = TESTS / f"{module}.py"
        assert path.is_file(), module
        assert not function or function in functions(path), (module, function)


def test_the_tests_that_exist_are_named() -> None:
    """Each of this folder holds something that the page promises."""
    known = named()
    for path in Path(__file__).parent.glob("test_*.py"):
        if path != Path(__file__):
            missing = {name for name in functions(path) if (f"security/{path.stem}", name) not in known}
            assert not missing, (path.name, missing)


def test_the_settings_that_are_named_exist() -> None:
    """Each, as it is written on the command line."""
    flags = {"--" + name.replace("_", "-") for name in settings.Settings.__struct_fields__}
    found = set(re.findall(r"`(--[\w-]+)`", PAGE))
    assert len(found) > 30 and found <= flags, found - flags
