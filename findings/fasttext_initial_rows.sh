#!/usr/bin/env bash
# fastText 0.9.3: how much of the input table is drawn at random depends on the number of threads.
#
# The paper and the documentation have all input vectors start uniform on (-1/dim, 1/dim). The table is drawn in ten
# blocks, one a thread: with one thread only the first tenth of the rows is, with two the first two tenths. The other
# rows begin as whatever the memory held: in a large, fresh table zeros. With ten threads or more all rows are drawn.
# So the same command starts elsewhere on another machine, and comparisons of trainers should say how many threads.
# Seen, 30,001 rows of 300 numbers, learning rate almost 0: drawn shares of .10, .20, .40 and 1.00 for 1, 2, 4, 10 threads.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fasttext==0.9.3 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PYTHON'
with open("words.txt", "w") as file:
    for line in range(3000):
        print(*(f"w{line}_{place}" for place in range(10)), file=file)
PYTHON
for threads in 1 2 4 10; do  # a process each: so the table's memory is fresh
    venv/bin/python - "$threads" <<'PYTHON'
import sys

import fasttext
import numpy as np

threads = int(sys.argv[1])
model = fasttext.train_unsupervised(
    "words.txt", model="skipgram", dim=300, minn=0, maxn=0, bucket=0, minCount=1, epoch=1, lr=1e-12, thread=threads,
    verbose=0,
)
largest = np.abs(model.get_input_matrix()).max(axis=1)
drawn, zero = float((largest > 0.9 / 300).mean()), float((largest < 1e-8).mean())
print(f"{threads} threads: {drawn:.3f} of the rows are drawn, {zero:.3f} are zeros")
assert abs(drawn - threads / 10) < 0.001 and abs(drawn + zero - 1) < 0.001
PYTHON
done
echo "As found: a thread draws a tenth of the table, and no one draws the rest."
