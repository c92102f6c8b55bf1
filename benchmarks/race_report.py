"""What a race comes to: medians, ratios of neighbouring runs, and mean quality."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import mean, median
from typing import Any

from corpus_facts import CorpusFacts
from runs import ITEM2VEC, Run

PACKAGES = ("item2vec", "torch", "numba", "numpy")
MEGABYTE = 1e6


def machine() -> dict[str, Any]:
    """Processor, cores and the versions of what runs here."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def run_line(run: Run) -> str:
    """One run on one line."""
    parts = [f"{name} {value:.2f} s" for name, value in run.seconds.items()]
    if run.tokens_per_second:
        parts.append(f"{run.tokens_per_second:,.0f} tokens/s")
    parts.append(f"peak {run.peak_bytes / MEGABYTE:,.0f} MB")
    return f"{run.trainer} seed {run.seed}: " + ", ".join(parts)


def ratios(rounds: list[dict[str, Run]], peer: str, stage: str) -> list[float]:
    """How many times as long ``peer`` took as item2vec, one figure for each round in which both ran."""
    return [
        both[peer].seconds[stage] / both[ITEM2VEC].seconds[stage]
        for both in rounds
        if peer in both and stage in both[peer].seconds and stage in both[ITEM2VEC].seconds
    ]


def summary(rounds: list[dict[str, Run]], trainers: list[str]) -> dict[str, Any]:
    """Medians of each trainer, and of item2vec's ratios to each peer."""
    runs = {name: [both[name] for both in rounds if name in both] for name in trainers}
    stages = list(runs[ITEM2VEC][0].seconds)
    result: dict[str, Any] = {
        "seconds": {},
        "tokens_per_second": {},
        "peak_bytes": {},
        "ratios": {},
        "quality": {},
    }
    for name, own in runs.items():
        result["seconds"][name] = {
            stage: median(run.seconds[stage] for run in own) for stage in stages if stage in own[0].seconds
        }
        speeds = [run.tokens_per_second for run in own if run.tokens_per_second]
        result["tokens_per_second"][name] = median(speeds) if speeds else None
        result["peak_bytes"][name] = max(run.peak_bytes for run in own)
        scored = [run.quality for run in own if run.quality]
        if scored:
            result["quality"][name] = {
                measure: {
                    "mean": mean(scores[measure] for scores in scored),
                    "all": [s[measure] for s in scored],
                }
                for measure in scored[0]
            }
    for peer in trainers[1:]:
        found = {stage: ratios(rounds, peer, stage) for stage in stages}
        result["ratios"][peer] = {
            stage: {"median": median(values), "low": min(values), "high": max(values)}
            for stage, values in found.items()
            if values
        }
    return result


def tables(result: dict[str, Any], pairs: int, facts: CorpusFacts, settings: dict[str, Any], items: int) -> str:
    """The summary for a reader."""
    lines = [f"median of {pairs} interleaved rounds; in brackets the lowest and highest ratio of one round"]
    names = list(result["seconds"])
    width = max(map(len, names)) + 2
    stages = list(result["seconds"][ITEM2VEC])
    lines.append(" " * width + "".join(f"{stage + ' s':>10}" for stage in stages) + f"{'tokens/s':>14}{'peak MB':>10}")
    for name in names:
        speed = result["tokens_per_second"][name]
        cells = [_cell(result["seconds"][name].get(stage)) for stage in stages]
        lines.append(
            f"{name:<{width}}{''.join(cells)}"
            f"{f'{speed:,.0f}' if speed else '-':>14}{result['peak_bytes'][name] / MEGABYTE:>10,.0f}"
        )
    for peer, found in result["ratios"].items():
        cells = [
            f"{stage} {ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
            for stage, ratio in found.items()
            if stage != "write"  # they do not write the same: item2vec keeps both tables, gensim one
        ]
        lines.append(f"item2vec against {peer}, times as fast: " + ", ".join(cells))
    floor = 8 * items * settings["dim"] + 4 * facts.tokens
    lines.append(
        f"{items:,} items, {facts.tokens:,} tokens: "
        f"both tables and 4 bytes a token are {floor / MEGABYTE:,.0f} MB; "
        f"item2vec peaks {(result['peak_bytes'][ITEM2VEC] - floor) / MEGABYTE:,.0f} MB above"
    )
    return "\n".join(lines + _quality_lines(result["quality"]))


def _cell(seconds: float | None) -> str:
    return f"{'-' if seconds is None else f'{seconds:.2f}':>10}"


def _quality_lines(quality: dict[str, dict[str, Any]]) -> list[str]:
    """Mean scores, and item2vec's mean less each peer's."""
    if not quality:
        return []
    measures = list(next(iter(quality.values())))
    width = max(map(len, quality)) + len("item2vec less ") + 2
    count = len(next(iter(quality.values()))[measures[0]]["all"])
    lines = [f"quality, mean of {count} seed{'s' if count > 1 else ''}"]
    lines.append(" " * width + "".join(f"{measure:>12}" for measure in measures))
    for name, scores in quality.items():
        lines.append(f"{name:<{width}}" + "".join(f"{scores[measure]['mean']:>12.4f}" for measure in measures))
    for name in quality:
        if name != ITEM2VEC and ITEM2VEC in quality:
            less = [quality[ITEM2VEC][measure]["mean"] - quality[name][measure]["mean"] for measure in measures]
            lines.append(f"{'item2vec less ' + name:<{width}}" + "".join(f"{value:>+12.4f}" for value in less))
    return lines
