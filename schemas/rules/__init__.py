"""The rules of the dataset, by what they look at. Numbers: 1-29 the file, 30-69 one cell, 100-199 a case, 200-249 an RCA, 250-299 returns, 300-349 the register."""
