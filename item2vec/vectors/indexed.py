"""The approximate index that a model may have: `KeyedVectors` inherits this."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from item2vec.errors import ModelError

if TYPE_CHECKING:
    from item2vec.vectors.approximate import ApproximateIndex
    from item2vec.vectors.keyed_vectors import KeyedVectors


class Indexed:
    """Building, opening and finding the index.

    Attributes
    ----------
    path : str or None
        The file that the model was loaded from.
    """

    path: str | None = None
    _index: ApproximateIndex | None = None

    def build_index(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        recall: float = 0.95,
        connectivity: int = 16,
        threads: int = 0,
    ) -> ApproximateIndex:
        """Build an approximate index of the input vectors' directions, for ``similar(..., approximate=True)``.

        Parameters
        ----------
        path : str or path-like, optional
            Where to write it too. Beside the model (``words.index`` of ``words.safetensors``) it is found again.
        recall : float
            The share of the ten nearest to find; queries take the least effort that does, if one does. What was
            reached is in the ``facts.recall`` of what comes back.
        connectivity : int
            Neighbours of a node of the graph, 2 to 256: more take memory and time, and find more.
        threads : int
            0 for one a core.

        Returns
        -------
        ApproximateIndex

        Raises
        ------
        ConfigError
            If an option cannot work.
        ModelError
            If usearch is not installed, or the file cannot be written.
        """
        from item2vec.files.atomic import check_writable
        from item2vec.vectors.approximate import ApproximateIndex
        from item2vec.vectors.index_file import save_index

        if path is not None:
            check_writable(path)
        built = ApproximateIndex.build(self._keyed.input, recall=recall, connectivity=connectivity, threads=threads)
        if path is not None:
            save_index(built, path)
        self._index = built
        return built

    def open_index(self, path: str | os.PathLike[str] | None = None) -> ApproximateIndex:
        """Return the model's index: the one built or opened last, else the one at `path` or beside the model.

        Raises
        ------
        ModelError
            If there is none, it is damaged, or it was built of other vectors.
        """
        from item2vec.vectors.index_file import index_command, index_path, load_index

        if path is None and self._index is not None:
            return self._index
        if path is None and self.path is None:
            raise ModelError("the model has no index; build one with model.build_index()")
        found = load_index(path or index_path(cast(str, self.path)), model_path=self.path)
        if not found.fits(self._keyed.input):
            raise ModelError(
                "the index was built of other vectors than the model now has; build it again with "
                + index_command(self.path)
            )
        self._index = found
        return found

    @property
    def _keyed(self) -> KeyedVectors:
        """This object, as what it is."""
        return cast("KeyedVectors", self)
