"""``item2vec similar``, ``similarity``, ``recommend``, ``analogy`` and ``odd-one-out``: questions to a model."""

from __future__ import annotations

from typing import Any, Literal

import click

from item2vec.cli.options import (
    complete_items,
    item_argument,
    json_option,
    model_option,
    open_model,
    scoring_options,
    topk_option,
)
from item2vec.cli.output import (
    answer_batch,
    batch_option,
    check_arguments,
    check_delimiter,
    delimiter_option,
    print_answer,
    print_json,
    print_scores,
    say,
    scored,
)
from item2vec.errors import ConfigError

exclude_option = click.option(
    "--exclude", metavar="ITEM", multiple=True, help="An item that is not to be listed; may be given several times."
)

# ``item2vec similar``: the neighbours of one or more items.


@click.command(
    epilog="""\b
Examples:
  item2vec similar milk
  item2vec similar flour butter sugar -k 5
  item2vec similar "olive oil" --json
  item2vec similar king --without man --filter '^[a-z]+$'
  item2vec similar --batch items.txt > neighbours.jsonl
  item2vec similar --approximate --batch items.txt > neighbours.jsonl
"""
)
@item_argument
@model_option
@topk_option
@click.option("--without", metavar="ITEM", multiple=True, help="Look away from this item. May be given several times.")
@click.option(
    "--weight",
    "weights",
    metavar="X",
    type=float,
    multiple=True,
    help="The weight of an ITEM. Give one for each ITEM, in their order.  [default: 1 each]",
)
@exclude_option
@click.option(
    "--restrict",
    metavar="N",
    type=click.IntRange(min=1),
    help="List only the N commonest items, which are the first of the model.",
)
@click.option(
    "--filter", "pattern", metavar="REGEX", help="List only items that match REGEX, in their id or display name."
)
@click.option(
    "--approximate",
    is_flag=True,
    help="Search the index that `item2vec index` built. Faster for large models, but may miss some items.",
)
@batch_option
@delimiter_option
@json_option
def similar(
    items: tuple[str, ...],
    model_path: str,
    topk: int,
    without: tuple[str, ...],
    weights: tuple[float, ...],
    exclude: tuple[str, ...],
    restrict: int | None,
    pattern: str | None,
    approximate: bool,
    batch_path: str | None,
    delimiter: str | None,
    as_json: bool,
) -> None:
    """List the items most similar to one or more items.

    The list shows the items whose vectors have the highest cosine with the vector of ITEM, or with the mean of several.
    If the model has display names, ITEM may be such a name, and the list shows names too. Put -- before items that
    start with a dash.
    """
    check_arguments(items, batch_path)
    check_delimiter(delimiter, batch_path)
    if batch_path is not None and (without or weights or exclude or restrict is not None or pattern is not None):
        raise click.UsageError(
            "--without, --weight, --exclude, --restrict and --filter are not for --batch.", click.get_current_context()
        )
    model = open_model(model_path)
    facts = model.open_index().facts if approximate else None
    if batch_path is not None:

        def prepare(line: list[str]) -> list[str]:
            for item in line:
                model.index(item)  # raises if it is not there
            return line

        def answer(lines: list[list[str]]) -> list[dict[str, Any]]:
            found = model.similar_many(lines, topk, approximate=approximate)
            return [
                {"items": line, "similar": scored(model, one, "cosine")} for line, one in zip(lines, found, strict=True)
            ]

        answer_batch(batch_path, delimiter, prepare, answer)
        if facts is not None:
            say(facts.in_words())
        return
    neighbours = model.similar(
        items,
        topk,
        without=without,
        weights=weights or None,
        exclude=exclude,
        restrict=restrict,
        filter=pattern,
        approximate=approximate,
    )
    if as_json:
        away = {"without": list(without)} if without else {}
        found = {} if facts is None else {"approximate": facts.as_json()}
        print_json({"items": list(items), **away, **found, "similar": scored(model, neighbours, "cosine")})
        return
    print_scores(model, neighbours)
    if pattern is not None and not neighbours:
        say(f"Note: no item, or display name, has {pattern!r} in it.")
    if facts is not None:
        say(facts.in_words())


# ``item2vec similarity``: how similar two items are.


@click.command(
    epilog="""\b
Examples:
  item2vec similarity milk butter
  item2vec similarity milk butter --json
  item2vec similarity --batch pairs.txt > cosines.jsonl
"""
)
@click.argument("items", metavar="A B", nargs=-1, shell_complete=complete_items)
@model_option
@batch_option
@delimiter_option
@json_option
def similarity(
    items: tuple[str, ...], model_path: str, batch_path: str | None, delimiter: str | None, as_json: bool
) -> None:
    """Print how similar two items are: a cosine from -1 to 1."""
    check_arguments(items, batch_path, name="A B")
    check_delimiter(delimiter, batch_path)
    if items and len(items) != 2:
        raise click.UsageError(f"Two items can be compared; {len(items)} were given.", click.get_current_context())
    model = open_model(model_path)

    def compared(line: list[str]) -> dict[str, Any]:
        if len(line) != 2:
            raise ConfigError(f"two items can be compared; {len(line)} were given")
        return {"items": line, "cosine": model.similarity(*line)}

    if batch_path is not None:
        answer_batch(batch_path, delimiter, compared, lambda documents: documents)
    elif as_json:
        print_json(compared(list(items)))
    else:
        print_answer(f"{round(model.similarity(*items), 3) + 0.0:.3f}")


# ``item2vec recommend``: from a history to what comes next.


@click.command(
    epilog="""\b
Examples:
  item2vec recommend milk bread
  item2vec recommend milk bread --pool decay --popularity 0.3
  item2vec recommend --batch histories.txt -k 20 > recommendations.jsonl
"""
)
@item_argument
@model_option
@topk_option
@scoring_options
@click.option("--include-seen", is_flag=True, help="Let items of the history be recommended too.")
@exclude_option
@batch_option
@delimiter_option
@json_option
def recommend(
    items: tuple[str, ...],
    model_path: str,
    topk: int,
    include_seen: bool,
    exclude: tuple[str, ...],
    batch_path: str | None,
    delimiter: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Recommend the items most likely to follow a history.

    ITEM... is the history, with the oldest item first. Scores are inner products between the pooled input vectors of
    the history and the output vectors. They rank the items and mean nothing else. With --softmax they are
    probabilities.

    A model that was trained with a preset or a file from `item2vec tune` knows the scoring options that suit it. See
    them with `item2vec info`.
    """
    from item2vec.vectors.queries import known, recommend_many

    check_arguments(items, batch_path)
    check_delimiter(delimiter, batch_path)
    model = open_model(model_path)
    scoring = model.recommending.with_given(**given)

    def answer(histories: list[tuple[list[str], Any, list[str]]]) -> list[dict[str, Any]]:
        asked = [ids for _, ids, _ in histories]
        found = recommend_many(model, asked, topk, scoring, include_seen=include_seen, exclude=exclude)
        return [
            {"items": line, **({"unknown": unknown} if unknown else {}), "recommended": scored(model, one, "score")}
            for (line, _, unknown), one in zip(histories, found, strict=True)
        ]

    def prepare(line: list[str]) -> tuple[list[str], Any, list[str]]:
        return line, *known(model, line)

    if batch_path is not None:
        answer([])  # an option that cannot work is no matter of one line
        answer_batch(batch_path, delimiter, prepare, answer)
        return
    history = prepare(list(items))
    document = answer([history])[0]
    if history[2]:
        say(f"Warning: not in the vocabulary, left out: {', '.join(map(repr, history[2]))}")
    if as_json:
        print_json(document)
    else:
        print_scores(
            model,
            [(entry["item"], entry["score"]) for entry in document["recommended"]],
            probabilities=scoring.softmax > 0,
        )


# ``item2vec analogy``: what is to C as B is to A.


@click.command(
    epilog="""\b
Examples:
  item2vec analogy man king woman
  item2vec analogy paris france rome -k 3 --json
  item2vec analogy --batch questions.txt > answers.jsonl
"""
)
@click.argument("items", metavar="A B C", nargs=-1, shell_complete=complete_items)
@model_option
@topk_option
@click.option(
    "--method",
    type=click.Choice(["add", "mul"]),
    default="add",
    show_default=True,
    help="add: nearest to B - A + C. mul: the cosines with B and C, multiplied and divided by that with A.",
)
@batch_option
@delimiter_option
@json_option
def analogy(
    items: tuple[str, ...],
    model_path: str,
    topk: int,
    method: Literal["add", "mul"],
    batch_path: str | None,
    delimiter: str | None,
    as_json: bool,
) -> None:
    """Solve an analogy: find what is to C as B is to A.

    The list shows the items nearest to B - A + C, with all vectors scaled to length 1. A, B and C are left out. With
    --method mul no single similarity decides (3CosMul of Levy and Goldberg 2014).
    """
    from item2vec.vectors.queries import analogy_many

    check_arguments(items, batch_path, name="A B C")
    check_delimiter(delimiter, batch_path)
    value = "cosine" if method == "add" else "score"
    if items and len(items) != 3:
        raise click.UsageError(
            f"An analogy has three items, A B C; {len(items)} were given.", click.get_current_context()
        )
    model = open_model(model_path)

    def prepare(line: list[str]) -> list[str]:
        if len(line) != 3:
            raise ConfigError(f"an analogy has three items, A B C; {len(line)} were given")
        for item in line:
            model.index(item)  # raises if it is not there
        return line

    def answer(lines: list[list[str]]) -> list[dict[str, Any]]:
        found = analogy_many(model, lines, topk, method)
        return [{"items": line, "analogy": scored(model, one, value)} for line, one in zip(lines, found, strict=True)]

    if batch_path is not None:
        answer_batch(batch_path, delimiter, prepare, answer)
    elif as_json:
        print_json(answer([list(items)])[0])
    else:
        print_scores(model, analogy_many(model, [items], topk, method)[0])


# ``item2vec odd-one-out``: the item that is least like the others.


@click.command(
    "odd-one-out",
    epilog="""\b
Examples:
  item2vec odd-one-out breakfast cereal dinner lunch
  item2vec odd-one-out milk butter hammer --json
""",
)
@click.argument("items", metavar="ITEM...", nargs=-1, required=True, shell_complete=complete_items)
@model_option
@json_option
def odd_one_out(items: tuple[str, ...], model_path: str, as_json: bool) -> None:
    """Find the item that is least like the others.

    Give three or more items. Each is shown with its cosine to the mean of all. The odd one comes first, and the most
    typical one last.
    """
    from item2vec.vectors.queries import agreement

    if len(items) < 3:
        raise click.UsageError("The odd one out needs at least three items.", click.get_current_context())
    model = open_model(model_path)
    answer = agreement(model, items)
    if as_json:
        print_json({"items": list(items), "odd": answer[0][0], "agreement": scored(model, answer, "cosine")})
    else:
        print_scores(model, answer)
