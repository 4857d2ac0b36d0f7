"""Small faults for a module's source, one at a time: each is a mutant, and a good test fails on it. Pure.

Left alone is what no test of behaviour can see: annotations and aliases of types, decorators, imports, assertions
(they are for the type checker), docstrings, the words of enumerations, and texts for people, which are told from
codes and keys by their blanks.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_OTHER_OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitAnd: (ast.BitOr,),
}
_OTHER_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_CLOSED = (ast.Constant, ast.Name, ast.Call, ast.Tuple, ast.List, ast.Set, ast.Dict)


@dataclass(frozen=True, slots=True)
class Mutant:
    """``where`` is the function or class, ``before`` and ``after`` are the lines that differ, on one line each."""

    where: str
    line: int
    before: str
    after: str
    source: bytes


def mutants_of(source: bytes) -> list[Mutant]:
    """Every mutant of a module that compiles, in the order of its lines."""
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    found: dict[bytes, Mutant] = {}
    for where, node, changed in _changes(ast.parse(source), ""):
        assert node.end_lineno is not None and node.end_col_offset is not None
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        new = ast.unparse(changed)
        text = (new if isinstance(changed, (ast.stmt, *_CLOSED)) else f"({new})").encode()
        whole = source[:begin] + text + source[end:]
        try:
            compile(whole, "mutant", "exec", dont_inherit=True)
        except SyntaxError:
            continue
        left, right = starts[node.lineno - 1], starts[node.end_lineno]
        before = " ".join(source[left:right].decode().split())
        after = " ".join((source[left:begin] + text + source[end:right]).decode().split())
        found.setdefault(whole, Mutant(where, node.lineno, before, after, whole))
    return sorted(found.values(), key=lambda one: one.line)


def _changes(node: ast.AST, where: str) -> Iterator[tuple[str, ast.expr | ast.stmt, ast.AST]]:
    """A place, what stands there, and what could wrongly stand there."""
    if isinstance(node, ast.Assert | ast.Import | ast.ImportFrom | ast.JoinedStr | ast.arg):
        return
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
        return
    if isinstance(node, ast.ClassDef) and any(
        isinstance(one, ast.Name) and one.id == "StrEnum" for one in node.bases
    ):
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}" if where else node.name
    if isinstance(node, ast.expr | ast.stmt):
        for changed in (*_faults(node), *_without_a_part(node)):
            yield where, node, changed
    for name, value in ast.iter_fields(node):
        if name in {"decorator_list", "annotation", "returns", "bases"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield from _changes(child, where)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _faults(node: ast.expr | ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]):
            for other in _OTHER_OPERATORS.get(type(operator), ()):
                yield _with(node, ops=[other()])
        case ast.Compare(ops=[first, *rest]):
            for other in _OTHER_OPERATORS.get(type(first), ()):
                yield _with(node, ops=[other(), *rest])
            for other in _OTHER_OPERATORS.get(type(rest[0]), ()):
                yield _with(node, ops=[first, other(), *rest[1:]])
        case ast.BinOp():
            for other in _OTHER_OPERATORS.get(type(node.op), ()):
                yield _with(node, op=other())
        case ast.AugAssign():
            for other in _OTHER_OPERATORS.get(type(node.op), ()):
                yield _with(node, op=other())
            yield ast.Pass()
        case ast.BoolOp():
            yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.IfExp():
            yield _with(node, body=node.orelse, orelse=node.body)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        case ast.Constant(value=str() as value) if " " not in value:
            yield ast.Constant(value + "_")
        case ast.Name(id=name, ctx=ast.Load()) if name in _OTHER_NAMES:
            yield ast.Name(_OTHER_NAMES[name])
        case ast.If() | ast.While():
            yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Return(value=ast.expr() as value) if not _is_nothing(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case _:
            pass
    if (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and not _is_nothing(node.value)
    ):
        yield _with(node, value=ast.Constant(None))


def _without_a_part(node: ast.expr | ast.stmt) -> Iterator[ast.AST]:
    """One operand of a condition, element of a set, entry of a table or argument with a name left out."""
    if isinstance(node, ast.BoolOp):
        for at in range(len(node.values)):
            rest = node.values[:at] + node.values[at + 1 :]
            yield rest[0] if len(rest) == 1 else _with(node, values=rest)
    if isinstance(node, ast.Set | ast.Tuple | ast.List) and len(node.elts) > 1:
        for at in range(len(node.elts)):
            yield _with(node, elts=node.elts[:at] + node.elts[at + 1 :])
    if isinstance(node, ast.Dict):
        for at in range(len(node.keys)):
            keys, values = node.keys[:at] + node.keys[at + 1 :], node.values[:at] + node.values[at + 1 :]
            yield _with(node, keys=keys, values=values)
    if isinstance(node, ast.Call):
        for at in range(len(node.keywords)):
            yield _with(node, keywords=node.keywords[:at] + node.keywords[at + 1 :])


def _is_nothing(node: ast.expr) -> bool:
    """None, or False: where a function answers yes or no, both are no."""
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
