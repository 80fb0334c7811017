"""`python -m schemas.publish`: write the artefacts of this version of the dataset again."""

from schemas.publish import write

if __name__ == "__main__":
    for path in write():
        print(path.name)
