import json
from pathlib import Path

import pytest

from edgebot.core.errors import KnowledgeError
from edgebot.knowledge.readers import read_document


def read(name, content):
    return read_document(content if isinstance(content, bytes) else content.encode(), Path(name))


def test_markdown_headings_lists_tables_and_marks():
    document = read(
        "heating.md",
        """---
author: somebody
---
# The *heating*

It turns off at **10 pm**, see [the plan](http://example.org/plan).

## Radiators
- bleed them in autumn
- keep `valve 3` open

| Room | Degrees |
|------|--------:|
| Bath | 23 |
| Hall | 17 |

### Noise
Gurgling means air.

```
# no heading in code
```
""",
    )
    assert document.title == "The heating"
    assert [section.headings for section in document.sections] == [
        (),
        ("Radiators",),
        ("Radiators", "Noise"),
    ]
    first, second, third = (section.text for section in document.sections)
    assert first == "It turns off at 10 pm, see the plan."
    assert "bleed them in autumn.\nkeep valve 3 open." in second
    assert "Room: Bath; Degrees: 23." in second
    assert "# no heading in code" in third


def test_markdown_underlined_headings_and_a_title_from_the_name():
    document = read("my_boiler-notes.md", "Above.\n\nFaults\n------\nE1 is a lack of water.\n")
    assert document.title == "My boiler notes"
    assert [section.headings for section in document.sections] == [(), ("Faults",)]


def test_markdown_keeps_stars_and_underlines_that_are_no_marks():
    document = read("a.md", "snake_case_name costs 3 * 4 and 5 * 6.")
    assert document.sections[0].text == "snake_case_name costs 3 * 4 and 5 * 6."


def test_html_reads_what_a_person_would():
    document = read(
        "page.html",
        """<html><head><title>Boiler &amp; pump</title><style>p {color: red}</style></head><body>
        <nav><a>Home</a></nav><h1>Boiler &amp; pump</h1><p>Press <b>reset</b> for 5&nbsp;s.</p>
        <script>alert("x")</script><h2>Codes</h2>
        <table><tr><th>Code</th><th>Meaning</th></tr><tr><td>E1</td><td>no water</td></tr></table>
        <ul><li>one<li>two</ul></body></html>""",
    )
    assert document.title == "Boiler & pump"
    assert document.sections[0].text == "Press reset for 5 s."
    assert document.sections[1].headings == ("Codes",)
    assert "Code: E1; Meaning: no water." in document.sections[1].text
    whole = " ".join(section.text for section in document.sections)
    assert "alert" not in whole and "Home" not in whole and "color" not in whole


def test_html_in_the_encoding_it_names():
    page = '<meta charset="iso-8859-1"><title>x</title><p>Müller hört gut.'.encode("latin-1")
    assert read("m.html", page).sections[0].text == "Müller hört gut."


def test_csv_rows_become_sentences_and_question_columns_pairs():
    rows = read("towns.csv", "Town;Mayor\nUlm;Ms. Ada\nBonn;\n")
    assert [section.text for section in rows.sections] == [
        "Town: Ulm; Mayor: Ms. Ada.",
        "Town: Bonn.",
    ]
    pairs = read("faq.csv", 'Question,Answer\n"When is bin day, usually?",Tuesday.\n,none\n').pairs
    assert [(pair.questions, pair.answer) for pair in pairs] == [
        (("When is bin day, usually?",), "Tuesday.")
    ]


def test_question_files():
    document = read(
        "house.yaml",
        "title: Our house\npairs:\n- {q: Who built it, a: Grandma.}\n"
        "- {q: [How old, What age], a: 40 years., source: deed}\n",
    )
    assert document.title == "Our house"
    assert document.pairs[1].questions == ("How old", "What age")
    assert document.pairs[1].reference == "deed"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("pairs: [{q: x}]", "pair 1"),
        ("pairs: [{a: x, q: []}]", "pair 1"),
        ("pairs: 3", "expected 'title:'"),
        ("- a\n- b", "expected 'title:'"),
        ("a: [", "no YAML in line"),
        ("title: t\npairs: []", "no text"),
    ],
)
def test_question_files_that_are_wrong_name_what_is(content, message):
    with pytest.raises(KnowledgeError, match=message):
        read("x.yaml", content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_encodings(encoding):
    text = "Der Kühlschrank steht in der Küche. Die Straße ist lang genug."
    assert read("a.txt", text.encode(encoding)).sections[0].text == text


def test_latin_1_and_a_stray_byte_in_utf_8():
    assert read("a.txt", "Crème brûlée à Genève".encode("latin-1")).sections[0].text == (
        "Crème brûlée à Genève"
    )
    damaged = ("äöü " * 50).encode() + b"\xff end"
    assert read("a.txt", damaged).sections[0].text.startswith("äöü äöü")


@pytest.mark.parametrize("content", [bytes(range(256)) * 20, b"\x7fELF\x02\x01\x01" + b"\0" * 4000])
def test_binary_data_with_a_text_ending(content):
    with pytest.raises(KnowledgeError, match="binary data"):
        read("photo.txt", content)


def test_empty_files_and_unknown_endings():
    with pytest.raises(KnowledgeError, match="no text"):
        read("a.txt", b" \n ")
    with pytest.raises(KnowledgeError, match=r"ending '\.exe'"):
        read("a.exe", b"MZ")


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 nothing else", b"no pdf at all" * 100])
def test_broken_pdf(content):
    with pytest.raises(KnowledgeError, match="broken"):
        read("a.pdf", content)


def test_pdf_with_a_text_layer_and_without():
    assert read("a.pdf", _pdf("The spare key hangs behind the boiler.")).sections[0].text == (
        "The spare key hangs behind the boiler."
    )
    with pytest.raises(KnowledgeError, match="no text layer"):
        read("scan.pdf", _pdf(""))


def test_pdf_that_is_encrypted():
    import io

    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(KnowledgeError, match="encrypted"):
        read("locked.pdf", out.getvalue())


def _pdf(text):
    """A one-page PDF put together by hand."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >> stream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return out + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start


def test_an_export_comes_back_with_its_titles_questions_and_headings():
    lines = [
        {"id": 1, "title": "Tea", "heading": "Green › Water", "question": "", "text": "80 °C."},
        {"title": "Bins", "question": "When\nWhich day", "text": "Tuesday.", "reference": "town"},
    ]
    document = read("backup.jsonl", "\n\n".join(map(json.dumps, lines)) + "\n")
    assert document.title == "Backup"
    (section,), (pair,) = document.sections, document.pairs
    assert (section.title, section.headings, section.text) == ("Tea", ("Green", "Water"), "80 °C.")
    assert (pair.title, pair.questions, pair.answer, pair.reference) == (
        "Bins", ("When", "Which day"), "Tuesday.", "town",
    )  # fmt: skip


@pytest.mark.parametrize(
    "content", ["{", "[]", "3", '{"title": "no text"}', '{"text": 7}', "[" * 100_000]
)
def test_lines_that_are_no_export_are_named(content):
    with pytest.raises(KnowledgeError, match=r"line 2: .*kb export"):
        read("backup.jsonl", '{"text": "fine"}\n' + content)
