"""One large model, step by step: time and peak memory of training it, and of asking it.

    python benchmarks/measure/large_model.py [--items 5000000] [--dim 64] [--tokens 20000000] [--folder DIR]

Makes a corpus of so many items, of which each comes at least once, trains one epoch with min-count 1, and asks. Each
step is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from needs import make_corpus
from runs import measure


def main() -> None:
    parser = argparse.ArgumentParser(description="One large model, step by step.")
    parser.add_argument("--items", type=int, default=5_000_000)
    parser.add_argument("--tokens", type=int, default=20_000_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--folder", help="where files go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        large_model(Path(name), options.items, options.tokens, options.dim)


def large_model(folder: Path, items: int, tokens: int, dim: int) -> None:
    """One large model, step by step."""
    corpus, model = folder / "corpus.txt", folder / "model.safetensors"
    began = time.perf_counter()
    make_corpus(corpus, items, tokens)
    print(f"corpus of {items:,} items, {tokens:,} tokens: {corpus.stat().st_size / 1e6:,.0f} MB, made in "
          f"{time.perf_counter() - began:.0f} s")  # fmt: skip
    print("| step | s | peak, MB | |\n|---|---|---|---|", flush=True)
    cli = [sys.executable, "-m", "item2vec"]
    train = [*cli, "train", str(corpus), "-o", str(model), "--min-count", "1", "--epochs", "1", "--dim", str(dim)]
    train += ["--preset", "words"]
    report = step("train", [*train, "--no-cache", "--json"])
    print(f"|  | | | {json.dumps(report['seconds'])}, {report['tokens_per_second']:,.0f} tokens/s |")
    print(f"| the model file | | | {model.stat().st_size / 1e6:,.0f} MB |")
    step("info", [*cli, "info", "-m", str(model), "--json"])
    step("similar", [*cli, "similar", "-m", str(model), "item7", "--json"])
    step("similar, the item unknown", [*cli, "similar", "-m", str(model), "itm7"], expected=1)
    step("recommend", [*cli, "recommend", "-m", str(model), "item7", "item8", "--json"])
    many = folder / "many.txt"
    many.write_text("".join(f"item{n}\n" for n in range(100)))
    step("similar --batch, 100", [*cli, "similar", "-m", str(model), "--batch", str(many)])
    step("export, word2vec binary", [*cli, "export", str(folder / "v.bin"), "-m", str(model), "--json"])
    step("import it", [*cli, "import", str(folder / "v.bin"), "-o", str(folder / "again.safetensors"), "--json"])


def step(name: str, command: list[str], expected: int = 0) -> dict:
    """Run a command; print its time and peak, and give the JSON that it printed, if it is one document."""
    began = time.perf_counter()
    script = "import json,os,subprocess,sys;p=subprocess.run(sys.argv[1:],capture_output=True,text=True);" \
        "import resource;print(json.dumps([p.returncode,p.stdout[:5000],p.stderr[-300:]," \
        "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))"  # fmt: skip
    (status, output, errors, peak), _, _ = measure([sys.executable, "-c", script, *command])
    if status != expected:
        raise SystemExit(f"{name}: {status}, {errors}")
    shown = (output if status == 0 else errors).strip().splitlines()[0][:60] if (output + errors).strip() else ""
    print(f"| {name} | {time.perf_counter() - began:.1f} | {peak * 1024 / 1e6:,.0f} | `{shown}` |", flush=True)
    try:
        return json.loads(output)
    except ValueError:
        return {}


if __name__ == "__main__":
    main()
