"""The vector files of other tools: one format a module, found by name, ending or content in `registry`."""
