"""What can be wrong in one cell. The field types of `schemas.values` apply these; `{wanted}` is what the field must hold."""

from schemas.finding import Severity
from schemas.rule import Scope, declare

MISSING = declare(30, "missing", Scope.CELL, "This is asked for and is empty.", "Fill it in. It must hold {wanted}.")
SPREADSHEET_ERROR = declare(
    31,
    "spreadsheet_error",
    Scope.CELL,
    "This is a spreadsheet's own error mark (such as #N/A), not a value.",
    "Mend the formula in your spreadsheet, or type the value. It must hold {wanted}.",
)
UNREADABLE = declare(
    32, "unreadable", Scope.CELL, "This cannot be read as what this field holds.", "It must hold {wanted}."
)
NOT_IN_LIST = declare(
    33,
    "not_in_list",
    Scope.CELL,
    "This is not one of this field's answers.",
    "Use one of: {wanted}. A code of your own system can be matched once for your trust.",
)
OTHER_NATION = declare(
    34,
    "other_nation",
    Scope.CELL,
    "This is an answer of the other nation's list, not of that of your nation.",
    "Use one of: {wanted}.",
)
UNLISTED_CODE = declare(
    35,
    "unlisted_code",
    Scope.CELL,
    "The code looks right, but our copy of the national list does not have it. It is kept as sent.",
    "Check that it is the code you mean.",
    Severity.WARNING,
)
NOT_A_DATE = declare(
    36, "not_a_date", Scope.CELL, "The date does not exist.", "Check day and month. It must hold {wanted}."
)
MONTH_FIRST = declare(
    37,
    "month_first",
    Scope.CELL,
    "The column holds at least one date that can only be month first, so all its dates with slashes may be swapped. "
    "Nothing in this column was read.",
    "Format the whole column as dd/mm/yyyy or yyyy-mm-dd and send the file again.",
)
SHORT_YEAR = declare(
    38,
    "short_year",
    Scope.CELL,
    "The year has two digits, so the century would be a guess.",
    "Write the year with four digits. It must hold {wanted}.",
)
DATE_SERIAL = declare(
    39,
    "date_serial",
    Scope.CELL,
    "This is a spreadsheet's day number instead of a date.",
    "Format the column as a date. It must hold {wanted}.",
)
DATE_OUT_OF_RANGE = declare(
    40,
    "date_out_of_range",
    Scope.CELL,
    "The year is before 1900 or after 2100.",
    "Check the year.",
)
NO_TIME = declare(
    41,
    "no_time",
    Scope.CELL,
    "This is a date without a time.",
    "Give the time too, or leave it empty and answer the yes/no question instead. It must hold {wanted}.",
)
NO_SUCH_HOUR = declare(
    42,
    "no_such_hour",
    Scope.CELL,
    "This time does not exist: the clocks went forward in that hour.",
    "Check the time against the notes.",
)
DOUBLED_HOUR = declare(
    43,
    "doubled_hour",
    Scope.CELL,
    "This time happened twice: the clocks went back in that hour. It was taken as the earlier one.",
    "If it was the later one, write the time with its offset, for example +00:00.",
    Severity.WARNING,
)
NHS_NUMBER_SHAPE = declare(
    44,
    "nhs_number_shape",
    Scope.CELL,
    "An NHS number has ten digits.",
    "Check the number; if the patient has none, leave it empty and give the reason.",
)
NHS_NUMBER_CHECK_DIGIT = declare(
    45,
    "nhs_number_check_digit",
    Scope.CELL,
    "The last digit of the NHS number does not fit the others, so a digit is wrong or two are swapped.",
    "Copy the number again from the hospital system.",
)
NHS_NUMBER_SPREADSHEET = declare(
    46,
    "nhs_number_damaged",
    Scope.CELL,
    "A spreadsheet has changed this NHS number into exponent form and may have lost digits.",
    "Format the column as text and paste the numbers again from the hospital system.",
)
SNOMED_SPREADSHEET = declare(
    47,
    "snomed_damaged",
    Scope.CELL,
    "A spreadsheet has damaged this SNOMED CT id: it keeps 15 digits and replaces the rest.",
    "Format the column as text and paste the ids again from the source; do not open the file in a spreadsheet in between.",
)
SNOMED_CHECK_DIGIT = declare(
    48,
    "snomed_check_digit",
    Scope.CELL,
    "The SNOMED CT id fails its own check digit.",
    "Copy the id again from the source.",
)
TOO_LONG = declare(
    49,
    "too_long",
    Scope.CELL,
    "The text is longer than this field holds; it was not cut.",
    "Shorten it. It must hold {wanted}.",
)
NEGATIVE = declare(50, "negative", Scope.CELL, "A count cannot be negative.", "It must hold {wanted}.")
NOT_WHOLE = declare(51, "not_whole", Scope.CELL, "A count is a whole number in plain digits.", "It must hold {wanted}.")
OUT_OF_RANGE = declare(
    52, "out_of_range", Scope.CELL, "The number is outside what is possible here.", "It must hold {wanted}."
)
NHS_NUMBER_AS_ID = declare(
    53,
    "nhs_number_as_id",
    Scope.CELL,
    "The local case id is a valid NHS number.",
    "Use a case number of your own system that is not the NHS number.",
)
IDENTIFIER_IN_TEXT = declare(
    54,
    "identifier_in_text",
    Scope.CELL,
    "The text seems to hold an identifier of a person (a ten-digit number, a postcode, an e-mail or telephone number).",
    "Take it out: learning is shared, people are not named.",
    Severity.WARNING,
)
EMPTY_CHOICE = declare(
    55,
    "empty_choice",
    Scope.CELL,
    "The list of codes has an empty place between its separators.",
    "Write the codes with one | between two of them and none at the ends.",
)
ODS_SHAPE = declare(
    56, "ods_shape", Scope.CELL, "This is not the shape of an organisation code.", "It must hold {wanted}."
)
CONTROL_CHARACTER = declare(
    57,
    "control_character",
    Scope.CELL,
    "This holds a control character that cannot be seen.",
    "Type the value again instead of pasting it.",
)
UNUSUAL_NHS_NUMBER = declare(
    58,
    "nhs_number_unusual",
    Scope.CELL,
    "The NHS number is outside the ranges issued in England and Wales.",
    "Check the number; numbers that begin with 999 are for tests.",
    Severity.WARNING,
)
