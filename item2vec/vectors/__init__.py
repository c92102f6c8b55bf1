"""What was learnt, ready to be asked: KeyedVectors, the model file, other tools' formats. numpy only."""
