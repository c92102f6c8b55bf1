"""Run: a trainer with what belongs to it, and how what it learnt becomes a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from item2vec.config.scoring import Scoring
    from item2vec.config.train import TrainConfig
    from item2vec.config.validation import ValidationConfig
    from item2vec.corpus.corpus import Corpus
    from item2vec.model.tables import EmbeddingTables, Initial
    from item2vec.session.validation import Validation
    from item2vec.training.progress import Progress, TrainResult
    from item2vec.training.trainer import Pause, Trainer
    from item2vec.vectors.keyed_vectors import KeyedVectors

EVERY = 0.5  # seconds between two looks at a training: progress, a signal, a checkpoint that is due


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes
    ----------
    corpus : Corpus
    trainer : Trainer
    validation : Validation or None
    initial : Initial or None
        What the tables began with.
    scoring : Scoring or None
        How the model is to be asked, kept in its file.
    preset : str or None
        The preset that was taken because it suits the corpus.
    """

    corpus: Corpus
    trainer: Trainer
    validation: Validation | None = None
    initial: Initial | None = None
    scoring: Scoring | None = None
    preset: str | None = None

    def train(
        self,
        report: Callable[[Progress], None] | None = None,
        validated: Callable[[Validation], None] | None = None,
        pause: Pause | None = None,
        every: float | None = None,
        epoch_ended: Callable[[EmbeddingTables], bool | None] | None = None,
    ) -> TrainResult:
        """Train, and validate after each epoch if that is asked for.

        Parameters
        ----------
        report : callable or None
            Called with the progress about every ``every`` seconds.
        validated : callable or None
            Called after each validation.
        pause : Pause or None
            What is done between two shards when it is due: a checkpoint.
        epoch_ended : callable or None
            Called with the tables after each epoch, and its validation; training ends if it returns False.
        """
        every = EVERY if every is None else every
        validation = self.validation
        if validation is None and epoch_ended is None:
            return self.trainer.train(report, every, pause=pause)

        def after_epoch(tables: EmbeddingTables) -> bool:
            go_on = True
            if validation is not None:
                go_on = validation.after_epoch(*tables.views())
                if validated is not None:
                    validated(validation)
            if epoch_ended is not None:
                go_on = epoch_ended(tables) is not False and go_on
            return go_on

        return self.trainer.train(report, every, after_epoch, pause)

    def model(self, result: TrainResult) -> KeyedVectors:
        """Make the model of what has been learnt, the best epoch's if there was validation; the tables are taken.

        Raises
        ------
        DivergenceError
            If a vector holds numbers that are not finite.
        """
        from item2vec.vectors.keyed_vectors import KeyedVectors

        corpus = self.corpus
        best = self.validation.best if self.validation is not None else None
        if best is None:
            self.trainer.check_tables()
        inputs, outputs = best or self.trainer.tables.take()
        return KeyedVectors(
            inputs, outputs, corpus.vocabulary, self.metadata(result), names=corpus.names, rare=corpus.rare
        )

    def oddities(self, result: TrainResult, model: KeyedVectors) -> list[str]:
        """Return what is odd about a training that has ended: sentences without a final stop, each with what to do."""
        from item2vec.training.guard import rise_of, too_few_steps

        rise = rise_of(result.losses, result.pairs)
        few = too_few_steps(model.input, result.losses, self.trainer.guard.nothing)
        return [sentence for sentence in (rise and f"{rise}; a lower `lr` may learn more", few) if sentence]

    def metadata(self, result: TrainResult) -> dict[str, Any]:
        """Return what a model's file says of its training."""
        from item2vec.vectors.keyed_vectors import SCORING_KEY

        corpus, config = self.corpus, self.trainer.config
        metadata: dict[str, Any] = {
            "config": config.as_dict(),
            "corpus": {
                "items": len(corpus.vocabulary),
                "tokens": corpus.raw_tokens,
                "kept_tokens": len(corpus.items),
                "sequences": corpus.raw_sequences,
            },
            "training": {
                "losses": list(result.losses),
                "pairs": result.pairs,
                "threads": self.trainer.threads,
                "tile": list(self.trainer.tile) if config.loss == "ns" else None,
                "done": result.done,
                "seconds": round(result.seconds, 3),
            },
        }
        if self.preset is not None:
            metadata["training"]["preset"] = self.preset
        if self.scoring is not None:
            metadata[SCORING_KEY] = asdict(self.scoring)
        if self.validation is not None:
            metadata["training"]["validation"] = self.validation.as_dict()
        return metadata


def start(
    corpus: Corpus,
    config: TrainConfig,
    initial: Initial | None = None,
    validation: ValidationConfig | None = None,
    scoring: Scoring | None = None,
    preset: str | None = None,
    compiled: Callable[[], None] = lambda: None,
) -> Run:
    """Make the trainer of a corpus; imports torch. Validation asks as the model will be asked.

    ``compiled`` is that of `item2vec.training.trainer.Trainer.prepare`; the rest is as `Run` has it.
    """
    from item2vec.training.trainer import Trainer

    held_out = None
    if validation is not None:
        from item2vec.session.validation import Validation

        held_out = Validation(corpus.vocabulary, validation, scoring)
    trainer = Trainer(corpus, config, initial)
    trainer.prepare(compiled)
    return Run(corpus, trainer, held_out, initial, scoring, preset)
