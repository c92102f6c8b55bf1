"""Configuration files and presets: what they may say, and which of command line, file and preset counts."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import item2vec.cli.train as train_module
from item2vec.cli.main import cli
from item2vec.config.layers import read_config, split_options, with_layers, write_best
from item2vec.config.presets import PRESETS, preset
from item2vec.config.scoring import Scoring, score_options
from item2vec.config.source import SourceConfig
from item2vec.config.train import TrainConfig
from item2vec.errors import ConfigError

pytest.importorskip("tomli_w")


def options_of(*arguments: str) -> dict:
    """What `train` would be called with."""
    found = {}
    parameters = [*train_module.train.params]
    probe = click.Command("train", params=parameters, callback=lambda **given: found.update(given))
    done = CliRunner().invoke(probe, arguments)
    assert done.exit_code == 0, done.output
    return found


def written(folder: Path, text: str) -> str:
    (folder / "c.toml").write_text(text)
    return str(folder / "c.toml")


def test_command_line_over_file_over_preset_over_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, "window = 7\nnegative = 9\n")
    for arguments in (["--config", path, "--preset", "baskets"], ["--preset", "baskets", "--config", path]):
        found = options_of("x.txt", *arguments, "--window", "3")
        assert (found["window"], found["negative"]) == (3, 9)
        assert found["window_mode"] == PRESETS["baskets"]["window_mode"]
        assert found["dim"] == TrainConfig.dim
    assert options_of("x.txt")["window"] == TrainConfig.window


def test_a_file_may_name_a_preset(tmp_path: Path) -> None:
    path = written(tmp_path, 'preset = "baskets"\nepochs = 2\n')
    found = options_of("x.txt", "--config", path)
    assert found["epochs"] == 2
    assert found["negative"] == PRESETS["baskets"]["negative"]
    found = options_of("x.txt", "--config", path, "--preset", "sessions")
    assert found["window"] == PRESETS["sessions"]["window"] != PRESETS["baskets"]["window"]


def test_every_field_can_be_set(tmp_path: Path) -> None:
    """Each option as a file has it arrives as the command line would have it."""
    text = """
    arch = "cbow"
    window-mode = "fixed"
    ns_exponent = -1
    lr = 0.5
    max_items = 7
    tile = [4, 16]
    init = "a.txt"
    freeze = true
    cache = false
    delimiter = ";"
    user = "u"
    item = "i"
    session_gap = 60
    time = "t"
    memory = "2GB"
    """
    found = options_of("x.txt", "--config", written(tmp_path, text))
    assert found["tile"] == (4, 16)
    assert (found["freeze"], found["cache"]) == (True, False)
    assert (found["arch"], found["window_mode"], found["ns_exponent"], found["lr"]) == ("cbow", "fixed", -1, 0.5)
    names = TrainConfig.__dataclass_fields__
    TrainConfig(**{name: value for name, value in found.items() if name in names})
    assert SourceConfig(**{name: found[name] for name in SourceConfig.fields()}).gap_seconds == 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("windwo = 3", "config FILE has 'windwo', which is not an option; did you mean 'window'?"),
        ("output = 'x'", "config FILE has 'output', which is not an option; the options are arch, "),
        ("dim = 64.5", "config FILE has dim = 64.5; it must be a whole number"),
        ("dim = true", "config FILE has dim = true; it must be a whole number"),
        ("freeze = 1", "config FILE has freeze = 1; it must be true or false"),
        ('lr = "fast"', 'config FILE has lr = "fast"; it must be a number'),
        ('loss = "hsm"', 'config FILE has loss = "hsm"; it must be one of ns, hs'),
        ("tile = [1]", "config FILE has tile = [1]; it must be two whole numbers"),
        ("dim = ", "config FILE is not valid TOML: "),
        ("[train]\ndim = 3", "config FILE has 'train', which is not an option; "),
    ],
)
def test_files_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        read_config(path)
    assert str(error.value).startswith(message.replace("FILE", path))
    done = CliRunner().invoke(cli, ["train", "x.txt", "--config", path])
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: config ")
    assert done.stderr.count("\n") == 1


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read config .*nowhere: no such file or directory"):
        read_config(tmp_path / "nowhere")


def test_presets_can_be_trained_with() -> None:
    for name in PRESETS:
        TrainConfig(**preset(name))
    with pytest.raises(ConfigError, match=r"`preset` is 'basket'; it must be one of auto, words, baskets, sessions"):
        preset("basket")


def test_what_tune_writes_train_reads(tmp_path: Path) -> None:
    config = TrainConfig(window=7, ns_exponent=-0.5, tile=(4, 16), threads=3, lr=0.1)
    source = SourceConfig(user="u", item='a "b"\t\u2603', where="x > 1", cache=False)
    path = tmp_path / "best.toml"
    write_best(path, config, source, Scoring(popularity=0.25), ("one", "two"))
    assert path.read_text().startswith("# one\n# two\n")
    found = read_config(path)
    assert TrainConfig(**{name: value for name, value in found.items() if name in config.as_dict()}) == TrainConfig(
        window=7, ns_exponent=-0.5, tile=(4, 16), lr=0.1
    )
    assert SourceConfig(**{name: value for name, value in found.items() if name in SourceConfig.fields()}) == source


def test_score_options() -> None:
    scoring = Scoring("similar", "decay", 0.5, -0.2, 0.4)
    assert score_options(scoring, evaluate=True) == "--score similar --pool decay --decay 0.5 --popularity -0.2"
    assert score_options(Scoring(), evaluate=True) == ""
    assert score_options(Scoring(reverse=0.4, softmax=0.5), evaluate=False) == "--reverse 0.4 --softmax 0.5"
    assert score_options(Scoring(pool="last"), evaluate=False) == "--pool last"


def test_the_library_lays_them_alike(tmp_path: Path) -> None:
    path = written(tmp_path, 'preset = "sessions"\nwindow = 7\nnegative = 9\ndelimiter = ";"\n')
    source, config = split_options(with_layers({"config": path, "window": 3}))
    assert (config.window, config.negative, source.delimiter) == (3, 9, ";")
    assert config.epochs == PRESETS["sessions"]["epochs"]
    _, config = split_options(with_layers({"config": path, "preset": "baskets"}))
    assert config.window_mode == PRESETS["baskets"]["window_mode"]
