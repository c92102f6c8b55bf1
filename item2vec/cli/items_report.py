"""What ``item2vec evaluate items`` says: a line of facts, and a table for each k and for each popularity."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from item2vec.evaluation.intervals import Estimate
    from item2vec.evaluation.items import ItemsResult, Metrics


def facts(result: ItemsResult, keep_seen: bool, asked: str) -> str:
    """What was evaluated, in sentences."""
    share = result.unknown / result.targets
    text = f"{result.users:,} users, {result.targets:,} held-out items, {share:.1%} of them unknown to the model."
    if result.repeated and not keep_seen:
        text += (
            f" {result.repeated / result.targets:.1%} are in the user's history and so cannot be found; "
            "--keep-seen lets them."
        )
    if asked:
        text += f" The model is asked with {asked}."
    if result.skipped:
        text += " Left out: " + ", ".join(f"{count:,} ({why})" for why, count in result.skipped.items()) + "."
    return text


def method_tables(result: ItemsResult) -> list[str]:
    """For each k the methods and metrics."""
    names = next(iter(result.methods.values())).keys()
    lines = []
    for k in dict.fromkeys(name.split("@")[1] for name in names):
        columns = [name for name in names if name.endswith(f"@{k}")]
        lines += _table(f"@{k}", result.methods, {name: name.split("@")[0] for name in columns})
        lines.append("")
    return lines


def bucket_table(result: ItemsResult) -> list[str]:
    """Recall and NDCG by the popularity of the held-out item, for the middle k."""
    names = [name for name in next(iter(result.methods.values())) if name.startswith("recall@")]
    k = names[len(names) // 2].split("@")[1]
    lines = [f"Held-out items by popularity, @{k}: each bucket has a third of all occurrences"]
    methods: dict[str, Metrics] = {method: {} for method in result.methods}
    titles = {}
    for name, bucket in result.buckets.items():
        if bucket.users:
            lines.append(f"  {name}: {bucket.items:,} items, {bucket.targets:,} held out of {bucket.users:,} users")
        for method, metrics in bucket.methods.items():
            for metric in ("recall", "ndcg"):
                methods[method][f"{name}.{metric}"] = metrics[f"{metric}@{k}"]
                titles[f"{name}.{metric}"] = f"{name} {metric}"
    return [*lines, *_table("", methods, titles), "", "± is half the 95% interval."]


def _table(corner: str, methods: dict[str, Metrics], titles: dict[str, str]) -> list[str]:
    """A line a method, a column a metric."""
    cells = [[title, *(_cell(metrics[name]) for metrics in methods.values())] for name, title in titles.items()]
    left = [corner, *methods]
    margin = max(map(len, left))
    widths = [max(map(len, column)) for column in cells]
    return [
        "  ".join(
            [label.ljust(margin), *(column[row].rjust(width) for column, width in zip(cells, widths, strict=True))]
        )
        for row, label in enumerate(left)
    ]


def _cell(estimate: Estimate) -> str:
    half = (estimate.high - estimate.low) / 2
    if estimate.value > 1:
        return f"{estimate.value:,.0f} ±{half:,.0f}"
    return f"{estimate.value:.4f} ±{half:.4f}".replace("0.", ".")
