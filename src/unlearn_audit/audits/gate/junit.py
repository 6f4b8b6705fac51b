"""What came of limits as a JUnit file, which services for continuous integration show as tests."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from unlearn_audit.audits.gate.judge import Passage

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_TAGS = {"fail": "failure", "cannot-tell": "error"}


def junit(passage: Passage, name: str) -> bytes:
    """Return a JUnit file with one test a limit: ``fail`` is a failure, and ``cannot-tell`` an error.

    Parameters
    ----------
    passage
        What came of the limits.
    name
        Of the suite: the run.
    """
    outcomes = [of.outcome for of in passage.judgements]
    counts = {"failures": outcomes.count("fail"), "errors": outcomes.count("cannot-tell"), "skipped": 0}
    suite = ElementTree.Element(
        "testsuite",
        {"name": _text(name), "tests": str(len(outcomes)), **{key: str(n) for key, n in counts.items()}},
    )
    for of in passage.judgements:
        case = ElementTree.SubElement(suite, "testcase", {"classname": "unlearn-audit.gate", "name": _text(of.name)})
        tag = _TAGS.get(of.outcome)
        if tag is not None:
            ElementTree.SubElement(case, tag, {"type": of.outcome, "message": _text(of.sentence)})
        else:
            ElementTree.SubElement(case, "system-out").text = _text(of.sentence)
    if said := (*passage.cautions, *passage.notes):
        ElementTree.SubElement(suite, "system-err").text = _text("\n".join(said))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    written: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return written


def _text(text: str) -> str:
    """Return a text without the characters that no XML file can hold."""
    return _NO_XML.sub("�", text)
