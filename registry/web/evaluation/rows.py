"""The evaluation of a series as a file: UTF-8 with a byte order mark, a line for each month."""

import csv
import io

from starlette.responses import Response

from ingest.quoting import quoted_record
from registry.web.evaluation.present import COLUMNS, Shown

CSV = "text/csv; charset=utf-8"


def as_file(shown: Shown, name: str) -> Response:
    """The rows as a download; kept by nobody."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(map(quoted_record, shown.records))
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(b"\xef\xbb\xbf" + text.getvalue().encode(), media_type=CSV, headers=headers)
