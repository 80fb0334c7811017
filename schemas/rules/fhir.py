"""Rules about what is sent as FHIR R4, numbers 350 to 449: its JSON, its shape, and how a unit is put together.

They are worded for the people who build the sending system. Placeholders name elements, types and limits, never what an element
holds. An error keeps its unit out. The information rules keep nothing out and are told as information; they are declared as warnings.
"""

from schemas.finding import Severity
from schemas.rule import Rule, Scope, declare


def _error(number: int, name: str, words: str, mend: str) -> Rule:
    return declare(number, name, Scope.FILE, words, mend)


def _information(number: int, name: str, words: str, mend: str) -> Rule:
    return declare(number, name, Scope.FILE, words, mend, Severity.WARNING)


NOT_JSON = _error(
    350,
    "not_json",
    words="This is not JSON: {found}, at {position}.",
    mend="Write the resource with a JSON library, and check that nothing is cut off or added on the way.",
)
WRONG_ENCODING = _error(
    351,
    "wrong_encoding",
    words="The characters are not UTF-8: {found}, at {position}.",
    mend="Write the JSON as UTF-8, the only encoding that FHIR allows.",
)
XML_SENT = _error(
    352,
    "xml_sent",
    words="This looks like XML; only JSON is read here.",
    mend="Send the resource as “application/fhir+json”.",
)
TOO_DEEP = _error(
    353,
    "too_deep",
    words="The JSON is nested more than {limit} levels deep.",
    mend="Send items and extensions flat. The questionnaires of this registry need no nested groups.",
)
DUPLICATE_KEY = _error(
    354,
    "duplicate_key",
    words="An element is written twice in the same object, so it is not clear which one holds.",
    mend="Write each element once. Elements that repeat are written as an array.",
)
HUGE_NUMBER = _error(
    355,
    "huge_number",
    words="This number is larger or has more digits than can be kept exactly.",
    mend="Write the number with at most 18 significant digits, and whole numbers between -2147483648 and 2147483647.",
)
NULL_VALUE = _error(
    356,
    "null_value",
    words="This element is null.",
    mend="Leave the element out. null may only stand in an array of a primitive type, opposite an entry of the array with “_” before its name.",
)
EMPTY_ELEMENT = _error(
    357,
    "empty_element",
    words="This element is empty; it has neither a value nor anything inside it.",
    mend="Leave the element out, or give it a value.",
)
UNKNOWN_ELEMENT = _error(
    358,
    "unknown_element",
    words="R4 knows no such element of {type}.",
    mend="Check the spelling, with upper and lower case, against R4 (4.0.1). What is your own goes into an extension.",
)
UNKNOWN_TYPE = _error(
    359,
    "unknown_type",
    words="This is not a resource of R4: “resourceType” is missing or names no type that R4 knows.",
    mend="Write “resourceType” with the name of an R4 (4.0.1) resource, as the first element.",
)
MISSING_ELEMENT = _error(
    360,
    "missing_element",
    words="The element “{element}” of {type} is missing.",
    mend="Add the element.",
)
WRONG_SHAPE = _error(
    361,
    "wrong_shape",
    words="This element must be {expected}, and something else stands here.",
    mend="Write an element that repeats as an array, also where it holds one thing, and every other element without one.",
)
WRONG_PRIMITIVE = _error(
    362,
    "wrong_primitive",
    words="What stands here is not written as FHIR's type {type} demands: {expected}.",
    mend="Write the value in this form. Numbers and true or false stand without quotation marks, everything else within them.",
)
CODE_NOT_IN_LIST = _error(
    363,
    "code_not_in_list",
    words="The code is not in the list that R4 prescribes for “{element}”.",
    mend="Write one of: {allowed}.",
)
TWO_CHOICES = _error(
    364,
    "two_choices",
    words="The element “{element}” is there more than once, in different types.",
    mend="Keep one of them.",
)
WRONG_TARGET = _error(
    365,
    "wrong_target",
    words="The reference “{element}” may not point to this type of resource.",
    mend="Refer to one of: {allowed}.",
)
BAD_NARRATIVE = _error(
    366,
    "bad_narrative",
    words="The narrative is not plain XHTML in one “div”: {found}.",
    mend="Send the narrative as R4 prescribes, without scripts, or leave “text” out; the registry does not read it.",
)
BUNDLE_REQUEST = _error(
    367,
    "bundle_request",
    words="In a Bundle of the type {type} an entry {must}.",
    mend="Give each entry of a transaction or batch a “request” with “method” and “url”. Only answers hold “response”.",
)
DUPLICATE_FULL_URL = _error(
    368,
    "duplicate_full_url",
    words="Two entries of this Bundle have the same “fullUrl”, so a reference to it could mean either.",
    mend="Give each resource a “urn:uuid:” of its own.",
)
WRONG_BUNDLE_TYPE = _error(
    369,
    "wrong_bundle_type",
    words="The registry does not take this type of Bundle here.",
    mend="Send a case or a review as a Bundle of the type “transaction”; monthly returns and reviews also as “batch”.",
)
NO_UNIT = _error(
    370,
    "no_unit",
    words="There is neither a case nor a review nor a monthly return in this.",
    mend="A case needs a Condition, a review a QuestionnaireResponse to the registry's questionnaire, a return a MeasureReport.",
)
SEVERAL_CASES = _error(
    371,
    "several_cases",
    words="There is more than one {type} for a case in this Bundle.",
    mend="Send each case in a Bundle of its own: one Patient, one index Encounter, one Condition, at most one QuestionnaireResponse of each kind.",
)
PART_MISSING = _error(
    372,
    "part_missing",
    words="The case has no {type} in this Bundle.",
    mend="Send the Patient and the Encounter of the index stay together with the Condition, each in an entry of its own.",
)
REFERENCE_NOT_RESOLVED = _error(
    373,
    "reference_not_resolved",
    words="Nothing in this Bundle is what “{element}” refers to.",
    mend="Refer to the “fullUrl” of an entry of the same Bundle.",
)
REFERENCE_OUTSIDE = _error(
    374,
    "reference_outside",
    words="The reference “{element}” points to something outside this Bundle. The registry fetches nothing.",
    mend="Send the resource in the same Bundle and refer to its “fullUrl”, or refer by identifier where that is allowed.",
)
UNKNOWN_QUESTION = _error(
    375,
    "unknown_question",
    words="The questionnaire has no question with this “linkId”.",
    mend="Take the “linkId” from the published questionnaire. Its questions are not grouped.",
)
WRONG_ANSWER_TYPE = _error(
    376,
    "wrong_answer_type",
    words="The question “{element}” is answered by “{expected}”, and another type stands here.",
    mend="Give the answer in the type that the published questionnaire names.",
)
SEVERAL_ANSWERS = _error(
    377,
    "several_answers",
    words="The question “{element}” takes one answer, and there are several.",
    mend="Keep one answer.",
)
REPEATED_QUESTION = _error(
    378,
    "repeated_question",
    words="The question “{element}” stands here a second time.",
    mend="Give each question once. Where several answers are allowed they stand in one “answer” array.",
)
WRONG_SYSTEM = _error(
    379,
    "wrong_system",
    words="The code for “{element}” comes from another code system than the one asked for.",
    mend="Use the code system {expected}.",
)
WRONG_QUESTIONNAIRE = _error(
    380,
    "wrong_questionnaire",
    words="This answers a questionnaire, or a version of one, that the registry does not take here.",
    mend="Name the published questionnaire of the case or of the review in “questionnaire”.",
)
MISSING_IDENTIFIER = _error(
    381,
    "missing_identifier",
    words="An identifier of the system {system} is missing in {type}.",
    mend="Add the identifier with this “system”, once, with its “value”.",
)
BUNDLE_NAME = _error(
    382,
    "bundle_name",
    words="The Bundle has no “identifier” of the form “urn:uuid:…”, so it could not be told from one that is sent again.",
    mend="Give each new Bundle a new uuid: “system” “urn:ietf:rfc:3986” and as “value” “urn:uuid:” with the uuid in small letters.",
)
NOT_GRANTED = _error(
    383,
    "not_granted",
    words="Your system may not send for the organisation named here.",
    mend="Check the organisation's code, or ask the registry for the right to send for it.",
)
TOO_MANY_ENTRIES = _error(
    384,
    "too_many_entries",
    words="The Bundle has more than {limit} entries.",
    mend="Send only what belongs to the case, or divide what you send.",
)
TOO_LARGE = _error(
    385,
    "too_large",
    words="This is larger than {limit}.",
    mend="Leave out documents and images, or divide what you send.",
)
OTHER_TYPES_IGNORED = _information(
    386,
    "other_types_ignored",
    words="The registry does not read {type} here; it was left out of the record.",
    mend="Nothing needs to be done. To send less, leave it out.",
)
PERSONAL_DETAILS_DROPPED = _information(
    387,
    "personal_details_dropped",
    words="Names, addresses, contacts, narratives or notes were sent; they are not part of the record and were left out.",
    mend="Nothing needs to be done. Better still, do not send them.",
)
STRUCTURE_ONLY = _information(
    388,
    "structure_only",
    words="Only the structure of this was checked, since {type} by itself is nothing that the registry keeps.",
    mend="To have a whole case checked, send its Bundle.",
)
NOT_CHECKED_INSIDE = _information(
    389,
    "not_checked_inside",
    words="The elements inside {type} were not checked.",
    mend="Nothing needs to be done. The registry does not read this type.",
)
TOO_MANY_ISSUES = _information(
    390,
    "too_many_issues",
    words="There are {count} issues; the first {limit} are listed.",
    mend="Mend these, then send it again to see the others.",
)
WRONG_STATUS = _error(
    391,
    "wrong_status",
    words="With this status the registry cannot take {type}.",
    mend="Send it with one of these: {allowed}.",
)
WRONG_MEASURE = _error(
    392,
    "wrong_measure",
    words="This reports on a measure, or a version of one, that the registry does not take here.",
    mend="Name the published measure of the monthly return in “measure”, and send “type” as “summary”.",
)
WRONG_PERIOD = _error(
    393,
    "wrong_period",
    words="The period is not one whole calendar month.",
    mend="Write the first day of the month in “period.start” and its last day in “period.end”.",
)
UNKNOWN_GROUP = _error(
    394,
    "unknown_group",
    words="The measure has no group with this code.",
    mend="Take the codes of the groups from the published measure.",
)
REPEATED_GROUP = _error(
    395,
    "repeated_group",
    words="The group “{element}” stands here a second time, or holds more than one count.",
    mend="Give each group once, with one count.",
)
IF_MATCH_FAILED = _error(
    396,
    "if_match_failed",
    words="The registry holds another version of this than the one named in “ifMatch”.",
    mend="Read the current version, apply your change to it, and send it with the version that you read.",
)
REPLAY_DIFFERS = _error(
    397,
    "replay_differs",
    words="A Bundle with this identifier was sent before, with other content.",
    mend="Send the same bytes to have the first answer again, or give the new content a new identifier.",
)
CONTAINED_AGAIN = _error(
    398,
    "contained_again",
    words="A contained resource may hold no contained resource itself.",
    mend="Put all contained resources into the outermost resource.",
)
VALUE_AND_EXTENSIONS = _error(
    399,
    "value_and_extensions",
    words="An extension holds either a value or extensions; this one has {found}.",
    mend="Keep one of the two.",
)
METHOD_NOT_TAKEN = _error(
    400,
    "method_not_taken",
    words="In a Bundle of the type {type} an entry may only create or replace what it holds.",
    mend="Use POST or PUT. To withdraw a case, send it with the verification status “entered-in-error”.",
)
