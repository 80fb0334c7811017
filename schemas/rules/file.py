"""Rules about a file's shape, numbers 1 to 29: what keeps a table from being read, found before any cell is looked at.

Placeholders name columns, headings, sheets and limits, never what a cell holds. An error here refuses the file whole, since its
cells may have slipped into other columns; a warning lets it through.
"""

from schemas.finding import Severity
from schemas.rule import Scope, declare

EMPTY_FILE = declare(
    1,
    "empty_file",
    Scope.FILE,
    words="The file holds nothing.",
    mend="Check that you chose the right file and that it was saved, then send it again.",
)
UNREADABLE_TEXT = declare(
    2,
    "unreadable_text",
    Scope.FILE,
    words="The characters of this file are neither UTF-8, UTF-16 nor Windows-1252. The first that cannot be read is in about this row.",
    mend="Save the file again as “CSV UTF-8”.",
)
NUL_CHARACTER = declare(
    3,
    "nul_character",
    Scope.FILE,
    words="This row holds a NUL character, which no text holds.",
    mend="Save the file again as “CSV UTF-8”. If it comes from an export program, ask its supplier to write plain UTF-8 text.",
)
LONE_CARRIAGE_RETURN = declare(
    4,
    "lone_carriage_return",
    Scope.FILE,
    words="This row holds a carriage return that does not end a line, so it is not certain where the row ends.",
    mend="Save the file again as “CSV UTF-8” (not “CSV Macintosh”), or put the cell between double quotes.",
)
SHORT_ROW = declare(
    5,
    "short_row",
    Scope.FILE,
    words="This row has fewer cells than there are headings, so its cells may stand under the wrong headings.",
    mend="Give the row as many separators as the row of headings has. An empty cell keeps its separator.",
)
LONG_ROW = declare(
    6,
    "long_row",
    Scope.FILE,
    words="This row has more cells than there are headings, so its cells may stand under the wrong headings.",
    mend="Put any cell that holds the separator itself between double quotes, or take the surplus separators out.",
)
UNCLOSED_QUOTE = declare(
    7,
    "unclosed_quote",
    Scope.FILE,
    words="A double quote opened in this row is not closed, so the rows beneath it are swallowed.",
    mend="Close the quote, or take it out. A double quote inside a quoted cell is written twice.",
)
TEXT_AFTER_QUOTE = declare(
    8,
    "text_after_quote",
    Scope.FILE,
    words="In this row something follows a closing double quote before the next separator.",
    mend="Write a double quote inside a quoted cell twice, and leave no space between the closing quote and the separator.",
)
CELL_TOO_LONG = declare(
    9,
    "cell_too_long",
    Scope.FILE,
    words="This cell is longer than 32,767 characters, the most a spreadsheet holds.",
    mend="Shorten the text. If it should not be so long, look for a double quote that is not closed.",
)
LINE_TOO_LONG = declare(
    10,
    "line_too_long",
    Scope.FILE,
    words="This line is longer than a megabyte, so it was not looked at.",
    mend="Check that the file is a table with one row to a line and that every double quote is closed.",
)
CONTROL_CHARACTER = declare(
    11,
    "control_character",
    Scope.FILE,
    words="This cell holds an invisible control character.",
    mend="Clear the cell and type its content again. If many cells are affected, have the export program write plain text.",
)
DAMAGED_CHARACTER = declare(
    12,
    "damaged_character",
    Scope.FILE,
    words="A character in this cell was lost before the file was sent: the mark “�” stands in its place.",
    mend="Compare the cell with the source and type the lost character again, then save as “CSV UTF-8”.",
    severity=Severity.WARNING,
)
NO_ROWS = declare(
    13,
    "no_rows",
    Scope.FILE,
    words="There are headings but no rows beneath them.",
    mend="Add the rows. If there is nothing to report for a month, say so in the activity return.",
)
HEADINGS_NOT_FOUND = declare(
    14,
    "headings_not_found",
    Scope.FILE,
    words="No row of headings was found: none of the first {rows} rows holds at least {known} of the known headings.",
    mend="Use the headings of the template. Cells are separated by commas, semicolons or tabs.",
)
MISSING_COLUMN = declare(
    15,
    "missing_column",
    Scope.FILE,
    words="The column “{missing}” is missing.{hint}",
    mend="Add the column with this heading, or have the trust's own heading matched to it.",
)
DOUBLED_COLUMN = declare(
    16,
    "doubled_column",
    Scope.FILE,
    words="The column “{doubled}” is there twice: columns {first} and {second}.",
    mend="Keep the right one and delete the other, or give it another heading.",
)
UNKNOWN_COLUMN = declare(
    17,
    "unknown_column",
    Scope.FILE,
    words="The heading “{unknown}” is not known; its column is ignored until it is matched.{hint}",
    mend="Correct the heading, match it to one of the known columns once, or mark it as to be ignored.",
    severity=Severity.WARNING,
)
BLANK_HEADING = declare(
    18,
    "blank_heading",
    Scope.FILE,
    words="Column {letter} has cells but no heading, so nobody can say what they mean.",
    mend="Give the column its heading, or clear its cells.",
)
TOO_MANY_COLUMNS = declare(
    19,
    "too_many_columns",
    Scope.FILE,
    words="The row of headings has more than {most} cells.",
    mend="Delete the surplus columns to the right of the table.",
)
NOT_A_WORKBOOK = declare(
    20,
    "not_a_workbook",
    Scope.FILE,
    words="This file is not an Excel workbook of the kind “.xlsx”.",
    mend="Save it as “Excel Workbook (.xlsx)”, or send it as CSV.",
)
PROTECTED_WORKBOOK = declare(
    21,
    "protected_workbook",
    Scope.FILE,
    words="This workbook is encrypted with a password, so it cannot be read.",
    mend="Take the password off and save the workbook again. The transfer itself is encrypted.",
)
OLD_WORKBOOK = declare(
    22,
    "old_workbook",
    Scope.FILE,
    words="This is a workbook of the old kind “.xls” or the binary kind “.xlsb”.",
    mend="Open it and save it as “Excel Workbook (.xlsx)”.",
)
DAMAGED_WORKBOOK = declare(
    23,
    "damaged_workbook",
    Scope.FILE,
    words="This workbook is damaged or holds parts that a workbook does not hold, so it was not read.",
    mend="Open it in a spreadsheet program, save it under a new name and send that file, or send it as CSV.",
)
WORKBOOK_TOO_LARGE = declare(
    24,
    "workbook_too_large",
    Scope.FILE,
    words="This workbook unpacks to more than can be read: too many cells, too much text or suspiciously dense packing.",
    mend="Keep only the sheet with the data and delete formatted but empty rows and columns, or send it as CSV.",
)
TOO_MANY_ROWS = declare(
    25,
    "too_many_rows",
    Scope.FILE,
    words="The sheet has more than {most} rows, the most that is read from a workbook.",
    mend="Send it as CSV, which has no such limit, or divide it into several workbooks.",
)
READING_STOPPED = declare(
    26,
    "reading_stopped",
    Scope.FILE,
    words="Reading this workbook took more time or memory than is allowed, so it was stopped.",
    mend="Keep only the sheet with the data and save the workbook again, or send it as CSV.",
)
OTHER_SHEETS = declare(
    27,
    "other_sheets",
    Scope.FILE,
    words="Only the sheet “{sheet}” was read. Other visible sheets hold the same headings: {others}.",
    mend="If the other sheets hold rows to report, copy them into one sheet or send each in a workbook of its own.",
    severity=Severity.WARNING,
)
UNCALCULATED_FORMULA = declare(
    28,
    "uncalculated_formula",
    Scope.FILE,
    words="This cell holds a formula whose result was not saved with it.",
    mend="Open the workbook in a spreadsheet program and save it again, or replace the formula by its value.",
)
WORKBOOK_SENT_AS_TEXT = declare(
    29,
    "workbook_sent_as_text",
    Scope.FILE,
    words="This file was sent as CSV but it is a workbook.",
    mend="Send it as XLSX, or save it as “CSV UTF-8” first.",
)
