#!/usr/bin/env bash
# floret 0.10.5 and fastText 0.9.3: model files with the same magic number and version, laid out differently.
#
# floret began as a fork of fastText. Its .bin files open with fastText's magic number, 793712314, and its version, 12.
# But two settings more stand among the others, the mode and the count of hashes, so that all that follows is eight bytes
# further on. A reader that goes by magic and version alone takes half of the sampling threshold, a double, for the number
# of words: 1,058,682,594 of them.
# Seen: the settings are equal up to the longest n-gram; then fastText has lrUpdateRate, 100, and floret 2, 2, 100.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fasttext==0.9.3 floret==0.10.5 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import random
import struct

import fasttext
import floret

draw = random.Random(1)
with open("words.txt", "w") as file:
    for _ in range(2000):
        print(*(f"w{draw.randrange(200)}" for _ in range(20)), file=file)
common = dict(model="skipgram", dim=16, minn=2, maxn=3, bucket=1000, minCount=1, epoch=1, thread=1, verbose=0)
fasttext.train_unsupervised("words.txt", **common).save_model("fasttext.bin")
floret.train_unsupervised("words.txt", mode="floret", hashCount=2, **common).save_model("floret.bin")
head = {name: struct.unpack("<16i", open(f"{name}.bin", "rb").read(64)) for name in ("fasttext", "floret")}
for name, numbers in head.items():
    print(f"{name:>8}:", *numbers)
# magic, version, dim, window, epoch, minCount, negative, wordNgrams, loss, model, bucket, minn, maxn, then
assert head["fasttext"][:2] == head["floret"][:2] == (793712314, 12)
assert head["fasttext"][:13] == head["floret"][:13]
assert head["fasttext"][13] == 100
assert head["floret"][13:16] == (2, 2, 100)
PYTHON
echo "As found: magic and version are equal, and the settings behind them are not."
