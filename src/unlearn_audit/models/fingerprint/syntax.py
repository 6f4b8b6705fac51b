"""What a piece of a user's code says, freed of how it is written: its syntax tree, and the names that it reads.

Comments, formatting, docstrings and annotations are gone. Code without a source, or whose source is no longer what
was compiled, is described by its byte code.
"""

from __future__ import annotations

import ast
import dis
import linecache
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from types import CodeType
from typing import Any

_HARMLESS_DECORATORS = {"staticmethod", "classmethod", "property", "cached_property", "abstractmethod"}
_HARMLESS_ATTRIBUTES = {"setter", "getter", "deleter", "abstractmethod", "cached_property"}
_IMPORT = dis.opmap["IMPORT_NAME"]


@dataclass(frozen=True)
class Import:
    """An import inside a function: of a module, or of something in it."""

    module: str
    level: int = 0
    attribute: str | None = None


@dataclass(frozen=True)
class Use:
    """A dotted name that is read, empty first where it is an attribute of something computed; and its call, if any."""

    names: tuple[str, ...]
    call: ast.Call | None = None


@dataclass(frozen=True)
class Reading:
    """What a function says.

    Attributes
    ----------
    text
        Equal for code that does the same in the same words.
    uses
        What it reads by name.
    imports
        What it imports, by the name that this gets.
    is_stale
        Whether there is a source, and it is not what was compiled.
    """

    text: str
    uses: tuple[Use, ...]
    imports: Mapping[str, Import]
    is_stale: bool = False


@dataclass(frozen=True)
class ModuleText:
    """The top level of a file.

    Attributes
    ----------
    bindings
        By name, the statements that bind it, as text; and what they import it from.
    stars
        Modules from which everything is imported.
    effects
        All other statements, as text: they may change anything when the module is imported.
    imports
        Modules that are imported, whether or not they are used.
    """

    bindings: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, Import]
    stars: tuple[Import, ...]
    effects: tuple[str, ...]
    imports: tuple[Import, ...]


def read_function(code: CodeType) -> Reading:
    """Return what a function says, from its source where that is what was compiled."""
    file = _file(code.co_filename)
    found = None if file is None else file.function(code)
    if found is None:
        return Reading(digest_of(_plain(code)), *_from_byte_code(code), file is not None and not file.holds(code))
    names = _Names()
    names.visit(found)
    return Reading(digest_of(ast.dump(found)), tuple(names.uses), names.imports)


def read_class(filename: str, qualname: str) -> str:
    """Return what the statements of a class say besides its functions; nothing where there is no source."""
    file = _file(filename)
    nodes = [] if file is None else file.classes.get(qualname, [])
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return digest_of([[ast.dump(s) for s in node.body if not isinstance(s, functions)] for node in nodes])


def read_module(filename: str) -> ModuleText | None:
    """Return what the top level of a file says; None where there is no source."""
    file = _file(filename)
    return None if file is None else file.top


def global_names(code: CodeType) -> set[str]:
    """Return the names that a function and those inside it look up by name: globals and attributes."""
    return set(code.co_names).union(*(global_names(c) for c in code.co_consts if isinstance(c, CodeType)))


def local_names(code: CodeType) -> set[str]:
    """Return the names that are local to a function or to one inside it."""
    return {name for inner in _nested(code) for name in (*inner.co_varnames, *inner.co_cellvars, *inner.co_freevars)}


def digest_of(parts: Any) -> str:
    """Return a digest of what has a text that says all of it."""
    return sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


def _plain(code: CodeType) -> tuple[Any, ...]:
    """Return all of a function's code but where it stands and what it is called."""
    constants = []
    for constant in code.co_consts:
        # the order of a set of texts changes from process to process
        shown = sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant
        constants.append(_plain(constant) if isinstance(constant, CodeType) else (type(constant).__name__, repr(shown)))
    # the rest of the flags are of `from __future__`, which the code itself shows where they matter
    flags = code.co_flags & 0xFFFF
    arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_code, tuple(constants), arguments, names, code.co_exceptiontable)


def _from_byte_code(code: CodeType) -> tuple[tuple[Use, ...], dict[str, Import]]:
    imports: dict[str, Import] = {}
    for inner in _nested(code):
        if _IMPORT not in inner.co_code[::2]:
            continue
        steps = list(dis.get_instructions(inner))
        for at, step in enumerate(steps):
            if step.opcode == _IMPORT:
                level, names = steps[at - 2].argval, steps[at - 1].argval
                for name in names or ():
                    imports[name] = Import(step.argval, level, name)
                # whatever name the module gets, it is followed by its own
                imports.setdefault(step.argval.partition(".")[0] or ".", Import(step.argval, level))
    names = sorted(global_names(code) | imports.keys())
    return tuple(Use((name,)) for name in names), imports


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


@dataclass
class _File:
    """A source: its functions as they compile, and its tree without what changes nothing."""

    codes: dict[str, list[CodeType]] = field(default_factory=dict)
    functions: dict[tuple[str, int], list[ast.AST]] = field(default_factory=dict)
    classes: dict[str, list[ast.ClassDef]] = field(default_factory=dict)
    top: ModuleText = field(default_factory=lambda: ModuleText({}, {}, (), (), ()))

    def holds(self, code: CodeType) -> bool:
        """Return whether a function is one of those that the source compiles to."""
        return any(_plain(compiled) == _plain(code) for compiled in self.codes.get(code.co_qualname, ()))

    def function(self, code: CodeType) -> ast.AST | None:
        """Return the tree of a function; None if it is not there as it was compiled, or is one of several."""
        same = [compiled for compiled in self.codes.get(code.co_qualname, ()) if _plain(compiled) == _plain(code)]
        nodes = [
            node for compiled in same for node in self.functions.get((compiled.co_name, compiled.co_firstlineno), ())
        ]
        return nodes[0] if len({ast.dump(node) for node in nodes}) == 1 else None


def _file(filename: str) -> _File | None:
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename))
    return _parsed(text, filename) if text else None


@lru_cache(maxsize=256)
def _parsed(text: str, filename: str) -> _File:
    file = _File()
    try:
        tree = ast.parse(text)
        compiled = compile(tree, filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return file  # whatever was compiled was something else
    for code in _nested(compiled):
        file.codes.setdefault(code.co_qualname, []).append(code)
    normal = ast.fix_missing_locations(_Normal(keeps_texts="__doc__" in text).visit(tree))
    for node in ast.walk(normal):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            line = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            file.functions.setdefault((node.name, line), []).append(node)
        elif isinstance(node, ast.Lambda):
            file.functions.setdefault(("<lambda>", node.lineno), []).append(node)
    _classes(normal, "", file.classes)
    file.top = _top_level(normal)
    return file


def _classes(node: ast.AST, above: str, found: dict[str, list[ast.ClassDef]]) -> None:
    for child in ast.iter_child_nodes(node):
        below = above
        if isinstance(child, ast.ClassDef):
            found.setdefault(above + child.name, []).append(child)
            below = f"{above}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            below = f"{above}{child.name}.<locals>."
        _classes(child, below, found)


class _Normal(ast.NodeTransformer):
    """Takes out what changes nothing: texts that stand alone, `pass`, annotations."""

    def __init__(self, *, keeps_texts: bool) -> None:
        self._keeps_texts = keeps_texts

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop docstrings and the like."""
        return node if self._keeps_texts or not isinstance(node.value, ast.Constant) else None

    def visit_Pass(self, node: ast.Pass) -> None:
        """Drop it."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Drop annotations that no decorator can read."""
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Drop annotations that no decorator can read."""
        return self._function(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Make it an assignment, if it is one."""
        if node.value is None:
            return node
        return ast.copy_location(ast.Assign([node.target], self.visit(node.value)), node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if all(map(_is_harmless, node.decorator_list)):
            node.returns = None
            for part in ast.walk(node.args):
                if isinstance(part, ast.arg):
                    part.annotation = None
        return self.generic_visit(node)


def _is_harmless(decorator: ast.expr) -> bool:
    if isinstance(decorator, ast.Attribute):
        return decorator.attr in _HARMLESS_ATTRIBUTES
    return isinstance(decorator, ast.Name) and decorator.id in _HARMLESS_DECORATORS


def _top_level(tree: Any) -> ModuleText:
    bindings: dict[str, list[str]] = {}
    sources: dict[str, Import] = {}
    stars, effects, imports = [], [], []
    for node in tree.body:
        if isinstance(node, ast.Import):
            imports += [Import(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = Import(node.module or "", node.level)
            imports.append(module)
            for alias in node.names:
                if alias.name == "*":
                    stars.append(module)
                else:
                    sources[alias.asname or alias.name] = Import(module.module, module.level, alias.name)
        elif (names := _bound(node)) is not None:
            for name in names:
                bindings.setdefault(name, []).append(ast.dump(node))
        elif not _is_skipped(node):
            effects.append(ast.dump(node))
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import):
                    imports += [Import(alias.name) for alias in inner.names]
                elif isinstance(inner, ast.ImportFrom):
                    imports.append(Import(inner.module or "", inner.level))
    texts = {name: tuple(statements) for name, statements in bindings.items()}
    return ModuleText(texts, sources, tuple(stars), tuple(effects), tuple(imports))


def _bound(node: ast.stmt) -> list[str] | None:
    """Return the names that a statement binds, and None if it may do more than that."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return []  # their own texts tell them
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return None
    parts = [p for target in targets if target is not None for p in _unpacked(target)]
    return [p.id for p in parts if isinstance(p, ast.Name)] if all(isinstance(p, ast.Name) for p in parts) else None


def _unpacked(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _unpacked(part)
    else:
        yield target.value if isinstance(target, ast.Starred) else target


def _is_skipped(node: ast.stmt) -> bool:
    """Return whether a statement is not run when a module is imported."""
    if not isinstance(node, ast.If):
        return False
    test = ast.unparse(node.test)
    return not node.orelse and test in ("__name__ == '__main__'", "TYPE_CHECKING", "typing.TYPE_CHECKING")


class _Names(ast.NodeVisitor):
    """Collects the names that a function reads, and what it imports."""

    def __init__(self) -> None:
        self.uses: list[Use] = []
        self.imports: dict[str, Import] = {}
        self._call: ast.Call | None = None

    def visit_Call(self, node: ast.Call) -> None:
        self._call = node
        self.visit(node.func)
        self._call = None
        for part in (*node.args, *node.keywords):
            self.visit(part)

    def visit_Name(self, node: ast.Name) -> None:
        call, self._call = self._call, None
        self.uses.append(Use((node.id,), call))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        call, self._call = self._call, None
        names, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            names.append(base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            self.uses.append(Use((base.id, *reversed(names)), call))
        else:
            self.uses.append(Use(("", *reversed(names)), call))
            self.visit(base)

    def generic_visit(self, node: ast.AST) -> None:
        self._call = None
        super().generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.imports[alias.asname or top] = Import(alias.name if alias.asname else top)
            self.imports[alias.name] = Import(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.imports[alias.asname or alias.name] = Import(node.module or "", node.level, alias.name)
