"""Is there anything to train on? The checks after reading, in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from item2vec.corpus.corpus import Corpus
from item2vec.errors import CorpusError
from item2vec.files.source import FIRST_BLOCK, TextSource, describe, read_range

_LIKELY_DELIMITERS = ("::", ",", ";", "|")


def check_trainable(
    corpus: Corpus,
    commonest: int,
    sources: Sequence[TextSource],
    *,
    delimiter: str | None,
    min_count: int,
    max_items: int | None,
) -> None:
    """Refuse a corpus that has no two items side by side.

    Parameters
    ----------
    corpus : Corpus
        As read, perhaps empty.
    commonest : int
        Largest count of an item before min-count.
    sources : sequence of TextSource
        Where it comes from.
    delimiter, min_count, max_items
        The options that it was read with.

    Raises
    ------
    CorpusError
        Says what is lacking and which option or what change of the file helps.
    """
    where = describe(sources)
    if corpus.raw_tokens == 0:
        only = "white space" if delimiter is None else f"newlines and the delimiter {delimiter!r}"
        raise CorpusError(f"{where} has only {only}; a corpus needs one sequence of items per line")
    if corpus.raw_tokens == corpus.raw_sequences:
        raise CorpusError(_single_items(corpus.raw_sequences, sources, delimiter))
    check_kept(corpus, commonest, where, min_count=min_count, max_items=max_items)


def check_kept(corpus: Corpus, commonest: int, where: str, *, min_count: int, max_items: int | None) -> None:
    """Refuse a corpus of which min-count and max-items leave no two items side by side.

    Parameters
    ----------
    where : str
        What messages call the sources; else as `check_trainable`.

    Raises
    ------
    CorpusError
    """
    kept = len(corpus.vocabulary)
    if kept == 0:
        raise CorpusError(
            f"no item of {where} occurs {min_count:,} times or more, the most frequent one {commonest:,}; lower "
            "`min_count`"
        )
    if kept == 1:
        raise CorpusError(_one_item(corpus, where, min_count, max_items))
    if len(corpus.items) == len(corpus):
        options = "`min_count`" if max_items is None else "`min_count` or raise `max_items`"
        raise CorpusError(
            f"every sequence of {where} is left with a single item: {kept:,} items occur {min_count:,} times "
            f"or more, no two of them in one sequence; lower {options}"
        )


def _one_item(corpus: Corpus, where: str, min_count: int, max_items: int | None) -> str:
    item = corpus.vocabulary[0]
    name = repr(item if len(item) <= 40 else item[:40] + "...")
    if max_items == 1:
        return f"`max_items` 1 leaves only {name}, and one item has no neighbours; raise `max_items`"
    if int(corpus.vocabulary.counts[0]) == corpus.raw_tokens:
        return f"{where} has only one distinct item, {name}; learning needs items that differ"
    return f"only one item of {where}, {name}, occurs {min_count:,} times or more; lower `min_count`"


def _single_items(sequences: int, sources: Sequence[TextSource], delimiter: str | None) -> str:
    """Why no sequence has two items, as far as the files tell."""
    where = describe(sources)
    lines = "its only line is" if sequences == 1 else f"each of its {sequences:,} lines is"
    if delimiter is not None and not any(_occurs(source, delimiter.encode()) for source in sources):
        spaced = any(len(line.split()) > 1 for line in _first_lines(sources))
        hint = "leave it out to split at white space" if spaced else "give the one that stands between the items"
        return f"the delimiter {delimiter!r} never occurs in {where}, so {lines} one item; {hint}"
    rule = "white space" if delimiter is None else repr(delimiter)
    hint = f"put the items that belong together on one line, with {rule} between them"
    likely = _likely_delimiter(sources) if delimiter is None else None
    if likely:
        hint = (
            f"if {likely!r} stands between the items, give `delimiter={likely!r}`; if each line is an event, "
            f"`format=csv`, `delimiter={likely!r}`, `user` and `item`"
        )
    return f"there is nothing to learn in {where}: {lines} a single item; {hint}"


def _occurs(source: TextSource, delimiter: bytes) -> bool:
    """Whether it does, or may: of a stream only the beginning is at hand."""
    if source.stream:
        return delimiter in source.head or len(source.head) >= FIRST_BLOCK
    end = b""
    for block in read_range(source, source.start, source.size, 1 << 20):
        if delimiter in end + block:
            return True
        end = (end + block)[1 - len(delimiter) or len(end + block) :]
    return False


def _first_lines(sources: Sequence[TextSource]) -> list[bytes]:
    return next(source for source in sources if not source.empty).head.splitlines()


def _likely_delimiter(sources: Sequence[TextSource]) -> str | None:
    """Return a mark that stands within at least half of the first lines."""
    lines = [line.strip() for line in _first_lines(sources) if line.strip()]
    found = Counter(mark for line in lines for mark in _LIKELY_DELIMITERS if mark.encode() in line)
    mark, count = max(found.items(), key=lambda pair: pair[1], default=("", 0))
    return mark if mark and 2 * count >= len(lines) else None
