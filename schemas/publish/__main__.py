"""`python -m schemas.publish`: write the artefacts of this version of the dataset again."""

from schemas.publish import FOLDER, write

if __name__ == "__main__":
    for path in write():
        print(path.relative_to(FOLDER).as_posix())
