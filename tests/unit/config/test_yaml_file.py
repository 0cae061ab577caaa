"""YAML is read with suspicion and every mistake has its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.config.yaml_file import MAX_BYTES, dotted, merge, parse, read_mapping
from edgebot.core.errors import ConfigError

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{this}: &{this} [{','.join(['*' + before] * 9)}]\n"
    for before, this in zip("abcdefgh", "bcdefghi", strict=True)
)


def wrong(text: str) -> list[str]:
    return [str(mistake) for mistake in parse(text, "f.yaml").mistakes]


def test_lines_of_keys_and_items() -> None:
    document = parse("a: 1\nb:\n  c: 2\n  d:\n    - x\n    - y: 3\n", "f.yaml")
    assert document.data == {"a": 1, "b": {"c": 2, "d": ["x", {"y": 3}]}}
    assert document.where(("b", "c")) == "f.yaml:3"
    assert document.where(("b", "d", 1, "y")) == "f.yaml:6"
    assert document.where(("b", "d", 1, "nowhere")) == "f.yaml:6"
    assert document.where(("nowhere",)) == "f.yaml"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("22:30", "22:30"),
        ("2026-01-31", "2026-01-31"),
        ("010", 10),
        ("0x10", 16),
        ("0o10", 8),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("~", None),
        ("", None),
        ("1_000", "1_000"),
        ("1.0.0", "1.0.0"),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert parse(f"key: {text}", "").data == {"key": value}


def test_key_given_twice() -> None:
    assert wrong("a: 1\nb: 2\na: 3\n") == ["f.yaml:3: a: given in line 1 too"]


def test_bomb_is_refused_before_it_goes_off() -> None:
    assert wrong(BOMB) == [
        "f.yaml:2: cannot be read: aliases (*name) are not taken here; write the value out"
    ]


def test_deep_nesting_is_refused() -> None:
    assert "nested deeper" in wrong("[" * 5000)[0]
    assert "nested deeper" in wrong("".join(" " * n + "a:\n" for n in range(100)))[0]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\n\tb: 2\n", 2, "a tab; indent with spaces"),
        ("a: {b: 1}\n\tc: 2\n", 2, "a tab; indent with spaces"),
        ("a:\n \t b: 2\n", 2, "a tab; indent with spaces"),
        ("a: 1\nb: [1, 2\n", 3, "expected"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "could not determine a constructor"),
        ("a: 1\n? [x, y]\n: 2\n", 2, "unhashable"),
    ],
)
def test_syntax_errors_name_their_line(text: str, line: int, what: str) -> None:
    (message,) = wrong(text)
    assert message.startswith(f"f.yaml:{line}: ")
    assert what in message


def test_control_characters_and_endless_numbers() -> None:
    assert wrong("a: \x07\n")
    assert wrong("a: " + "9" * 5000 + "\n")


def test_messages_cannot_garble_a_terminal() -> None:
    text = "".join(wrong('"\\e[2J\\u202e": 1\n"\\e[2J\\u202e": 2\n'))
    assert text.isprintable()


def test_empty_and_missing_documents(tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("# nothing\n")
    assert read_mapping(empty).mapping == {}
    with pytest.raises(ConfigError, match=r"cannot be read .No such file"):
        read_mapping(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match=r"cannot be read .Is a directory"):
        read_mapping(tmp_path)


def test_byte_order_mark_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_mapping(path).mapping == {"a": 1, "b": 2}


def test_other_encodings_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes("a: 1\nname: Käthe\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"f\.yaml:2: not UTF-8"):
        read_mapping(path)


def test_huge_files_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than"):
        read_mapping(path)


def test_list_is_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("- a\n- b\n")
    document = read_mapping(path)
    assert document.mapping == {}
    assert str(document.mistakes[0]) == f"{path}:1: expected 'key: value' lines"


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    document = parse(text, "f.yaml")
    assert all(str(mistake).isprintable() for mistake in document.mistakes)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#,? \n\t", max_size=120))
def test_any_punctuation_is_read_or_refused(text: str) -> None:
    document = parse(text, "f.yaml")
    if document.mistakes:
        assert all(mistake.where.startswith("f.yaml") for mistake in document.mistakes)


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers())))
def test_merging_with_itself_changes_nothing(value: dict[str, dict[str, int]]) -> None:
    assert merge(value, value) == value
    assert merge({}, value) == merge(value, {}) == value


def test_merge_goes_section_by_section() -> None:
    assert merge({"a": {"x": 1, "y": 2}, "b": 1}, {"a": {"y": 3}, "b": {"z": 4}}) == {
        "a": {"x": 1, "y": 3},
        "b": {"z": 4},
    }


def test_dotted_keys() -> None:
    assert dotted(("models", 3, "files", 0, "size")) == "models[3].files[0].size"
