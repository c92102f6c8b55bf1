"""What an item is: vocabulary, names, finding one among millions. numpy only."""
