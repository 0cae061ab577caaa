"""One sentence template: its brackets, its references, its expression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    RuleReference,
    Sentence,
    TextChunk,
)
from hassil.parse_expression import parse_sentence
from hassil.parser import ParseError

_OPEN = {"(": ")", "[": "]", "{": "}", "<": ">"}
MAX_TEMPLATE_CHARS = 4_000
MAX_NESTING = 40


class TemplateError(ValueError):
    """A template that cannot be read; the message says where."""


def parse(text: str) -> Sentence:
    """The expression of ``text``; raises :class:`TemplateError`."""
    _check_brackets(text)
    try:
        return parse_sentence(text, keep_text=True)
    except (ParseError, AssertionError, RecursionError, ValueError) as error:
        raise TemplateError(f"cannot be read: {error}") from None


def _check_brackets(text: str) -> None:
    if len(text) > MAX_TEMPLATE_CHARS:
        raise TemplateError(f"longer than {MAX_TEMPLATE_CHARS} characters; split it")
    stack: list[tuple[str, int]] = []
    escaped = False
    for position, char in enumerate(text, start=1):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in _OPEN:
            stack.append((char, position))
            if len(stack) > MAX_NESTING:
                raise TemplateError(f"nested deeper than {MAX_NESTING} brackets")
            if text[position : position + 1] == _OPEN[char]:
                raise TemplateError(f"'{char}{_OPEN[char]}' at character {position} is empty")
        elif char in _OPEN.values():
            if not stack or _OPEN[stack[-1][0]] != char:
                meant = f"; '{stack[-1][0]}' at character {stack[-1][1]} is open" if stack else ""
                raise TemplateError(f"'{char}' at character {position} closes nothing{meant}")
            stack.pop()
    if stack:
        raise TemplateError(f"'{stack[-1][0]}' at character {stack[-1][1]} is never closed")


def references(expression: Expression) -> Iterator[ListReference | RuleReference]:
    """Lists and rules that ``expression`` names itself; rules are not looked into."""
    if isinstance(expression, ListReference | RuleReference):
        yield expression
    elif isinstance(expression, Group):
        for item in expression.items:
            yield from references(item)


def slots_of(expression: Expression, rules: Mapping[str, Sentence]) -> Iterator[ListReference]:
    """Slots of ``expression``, those in rules too. The rules must not go in circles."""
    for reference in references(expression):
        if isinstance(reference, ListReference):
            yield reference
        elif reference.rule_name in rules:
            yield from slots_of(rules[reference.rule_name].expression, rules)


def literals(expression: Expression, rules: Mapping[str, Sentence]) -> Iterator[str]:
    """Words that sentences of ``expression`` may hold outside their slots, in lower case."""
    if isinstance(expression, TextChunk):
        yield from expression.text.casefold().split()
    elif isinstance(expression, RuleReference) and expression.rule_name in rules:
        yield from literals(rules[expression.rule_name].expression, rules)
    elif isinstance(expression, Group):
        for item in expression.items:
            yield from literals(item, rules)


def required_slots(expression: Expression, rules: Mapping[str, Sentence]) -> frozenset[str]:
    """Lists that every sentence of ``expression`` takes a value from."""
    if isinstance(expression, ListReference):
        return frozenset((expression.list_name,))
    if isinstance(expression, RuleReference):
        rule = rules.get(expression.rule_name)
        return required_slots(rule.expression, rules) if rule else frozenset()
    if isinstance(expression, Alternative):
        each = [required_slots(item, rules) for item in expression.items]
        return frozenset.intersection(*each) if each else frozenset()
    if isinstance(expression, Group):
        return frozenset().union(*(required_slots(item, rules) for item in expression.items))
    return frozenset()


def circle(rules: Mapping[str, Sentence]) -> list[str] | None:
    """Names of rules that lead back to themselves, or None."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done or name not in rules:
            return None
        for reference in references(rules[name].expression):
            if isinstance(reference, RuleReference) and (
                found := visit(reference.rule_name, (*path, name))
            ):
                return found
        done.add(name)
        return None

    return next((found for name in rules if (found := visit(name, ()))), None)
