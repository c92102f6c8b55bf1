"""Maps of a model's items: which, where, in what colours, as a page or a picture. `item2vec.plot.draw` leads in."""
