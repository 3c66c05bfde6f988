"""A pack's files: what a linguist writes is what is read, and every fault is told by file and line."""

import pytest

from streams.reading.pack_file import PackFault, read_pack


def entries(text: str) -> dict[str, str]:
    """Words -> heading, of one file."""
    pack = read_pack([("a.txt", text)])
    return {" ".join(words): f"{entry.kind} {entry.topic}".strip() for words, entry in pack.entries.items()}


def test_entries_mean_what_their_heading_says() -> None:
    text = "[topic delivery]\nEnvío, correo*  # by post\n\n[not]\nno,\n[praise]\ngood, very good\n"
    assert entries(text) == {
        "envio": "topic delivery",
        "correo*": "topic delivery",
        "no": "not",
        "good": "praise",
        "very good": "praise",
    }


def test_alternatives_are_multiplied_out() -> None:
    assert sorted(entries("[unmet delivery]\n(never/did (not)? yet) arrive (here)?\n")) == sorted(
        [
            "never arrive",
            "never arrive here",
            "did yet arrive",
            "did yet arrive here",
            "did not yet arrive",
            "did not yet arrive here",
        ]
    )


def test_what_stands_first_stands_unless_another_file_says_otherwise() -> None:
    assert entries("[topic price]\ncost\n[topic fees]\n(cost/charge)\n") == {
        "cost": "topic price",
        "charge": "topic fees",
    }
    pack = read_pack([("words.txt", "[topic price]\ncost\n"), ("shop.txt", "[topic fees]\ncost\n")])
    assert pack.entries[("cost",)].topic == "fees"


def test_lists_classes_and_numbers_are_kept_apart() -> None:
    pack = read_pack([("a.txt", "[filler]\nel, la\n[class no]\nno, nunca\n[number 2]\ndos\n[not]\n<no> .. <number>\n")])
    assert pack.lists["filler"] == {"el", "la"}
    assert pack.classes == {"no": {"no", "nunca"}}
    assert pack.numbers == {"dos": 2}
    assert list(pack.entries) == [("<no>", "..", "<number>")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("word\n", "a.txt:1: 'word' stands under no heading"),
        ("\n[topics delivery]\nx\n", "a.txt:2: [topics delivery]: expected one of topic, "),
        ("[topic]\nx\n", "a.txt:1: [topic]: topic takes exactly one topic"),
        ("[topic delivery price]\nx\n", "takes exactly one topic"),
        ("[not delivery]\nx\n", "a.txt:1: [not delivery]: not takes no topic"),
        ("[topic weather]\nx\n", "a.txt:1: weather: no topic of this pack; there are "),
        ("[not weak]\nx\n", "not takes no topic"),
        ("[topic\nx\n", "expected a heading such as [topic delivery]"),
        ("[not]\nno, n-o\n", "a.txt:2: 'n-o'"),
        ("[not]\n(no/nunca\n", "a.txt:2: '(no/nunca': a parenthesis is not closed"),
        ("[not]\nno) nunca\n", ") closes nothing"),
        ("[not]\n.. no\n", "begins or ends with .."),
        ("[not]\n(no)?\n", "with some of its alternatives it is empty"),
        ("[not]\na b c d e f g h i j k\n", "too much; expected words"),
        ("[not]\n" + "(a/b/c/d/e/f) " * 5 + "\n", "too much; expected words"),
        ("[not]\n<nobody> came\n", "a.txt:2: <nobody>: no such class; there are none"),
        ("[filler]\nel la\n", "a.txt:2: 'el la': expected a single word here"),
        ("[number two]\ndos\n", "a.txt:1: [number two]: expected one of "),
        ("[number 2]\n2\n", "a.txt:2: '2': expected a number as a word"),
        ("[topic price]\ncost\n[topic fees]\ncost\n", "a.txt:4: 'cost' stands under [topic price] already, at a.txt:2"),
    ],
)
def test_a_fault_is_told_by_file_and_line(text: str, fault: str) -> None:
    with pytest.raises(PackFault) as told:
        read_pack([("a.txt", text)])
    assert fault.removesuffix("\n") in str(told.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(PackFault) as told:
        read_pack([("a.txt", "[topic weather]\nx\n[topics]\n"), ("b.txt", "x\n")])
    assert [line.split(" ")[0] for line in str(told.value).splitlines()] == ["a.txt:1:", "a.txt:3:", "b.txt:1:"]


def test_topics_of_another_pack_are_refused() -> None:
    with pytest.raises(PackFault, match="venue: no topic of this pack"):
        read_pack([("a.txt", "[topic venue]\nseats\n")], frozenset({"delivery"}))
