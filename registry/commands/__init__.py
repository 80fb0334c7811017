"""What the `hat` commands do. `registry.__main__` declares them and imports the one that is called, so that `hat --help` is quick."""
