"""Identity of a training: what must be the same for it to go on from a checkpoint, and what differs, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from item2vec.corpus.fingerprint import fingerprint

if TYPE_CHECKING:
    from item2vec.config import TrainConfig
    from item2vec.run import Run

_FREE = ("threads", "device", "init")  # options that may differ; of init the rows count, not the name


def options_of(config: TrainConfig) -> dict[str, Any]:
    """The options that must be the same, as JSON values."""
    options = {name: value for name, value in config.as_dict().items() if name not in _FREE}
    return options | {"tile": list(config.tile) if config.tile else None}


def identity_of(run: Run) -> dict[str, Any]:
    """What must be the same for a training to go on, as JSON values."""
    trainer, corpus, vocabulary = run.trainer, run.corpus, run.corpus.vocabulary
    options = options_of(trainer.config) | {"tile": list(trainer.tile)}
    identity = {
        "options": options,
        "shard": trainer.shard,
        "corpus": {
            "items": len(vocabulary),
            "tokens": corpus.raw_tokens,
            "sequences": corpus.raw_sequences,
            "fingerprint": fingerprint(
                vocabulary.blob, vocabulary.offsets, vocabulary.counts, corpus.items, corpus.offsets
            ),
        },
        "init": run.initial.fingerprint() if run.initial is not None else None,
        "validation": run.validation.identity() if run.validation is not None else None,
    }
    return identity


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two identities, most telling first, in words."""
    if words := changes(then.get("options"), now["options"]):
        return words
    was, corpus = then.get("corpus"), now["corpus"]
    for name in ("sequences", "tokens", "items"):
        if not isinstance(was, dict) or was.get(name) != corpus[name]:
            had = was.get(name) if isinstance(was, dict) else None
            return [f"the corpus has {corpus[name]:,} {name} and had {_shown(had)}"]
    if was != corpus:
        return ["the corpus has as many sequences, tokens and items, but they are not the same"]
    if then.get("init") != now["init"]:
        return ["the vectors of --init are not the same"]
    if then.get("validation") != now["validation"]:
        return ["validation is not the same"]
    return [] if then.get("shard") == now["shard"] else ["it trains in shards of another size"]


def changes(then: Any, now: dict[str, Any]) -> list[str]:
    """The options that were others, in words."""
    had = then if isinstance(then, dict) else {}
    return [
        f"{name.replace('_', '-')} is {_shown(value)} and was {_shown(had.get(name))}"
        for name, value in now.items()
        if had.get(name) != value
    ]


def _shown(value: Any) -> str:
    """A value of JSON in a message, not too long."""
    return f"{value:,}" if type(value) is int else f"{value!s:.60}"
