"""Files as such: opened and recognised, unpacked and decoded, written whole or not at all."""
