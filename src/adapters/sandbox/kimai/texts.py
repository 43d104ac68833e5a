"""The texts of Kimai's validators, English and German.

Form errors always come in English; service errors in the person's language (peers/kimai.md §1.2).
"""

SAVING_FAILED = "There was a problem saving."
CANNOT_STOP = "You have an active time record which cannot be stopped automatically."
EXTRA_FIELDS = "This form should not contain extra fields."
INVALID_CHOICE = "The selected choice is invalid."
INVALID_VALUE = "This value is not valid."
INVALID_DATE_TIME = "Please enter a valid date and time."
INVALID_DATE = "Please enter a valid date."
INVALID_MONEY = "Please enter a valid money amount."
NOT_NULL = "This value should not be null."
NOT_BLANK = "This value should not be blank."
IN_USE = "This value is already used."
NOT_NEGATIVE = "This value should be greater than or equal to 0."
BEGIN_MISSING = "You must submit a begin date."
END_BEFORE_BEGIN = "The end date must not be earlier than the start date."
ACTIVITY_MISSING = "An activity needs to be selected."
PROJECT_MISSING = "A project needs to be selected."
PROJECT_MISMATCH = (
    "Project mismatch, project specific activity and timesheet project are different."
)
GLOBAL_FORBIDDEN = "Global activities are forbidden for the selected project."
PROJECT_NOT_STARTED = "The project has not started at that time."
PROJECT_ENDED = "The project is finished at that time."
BUDGET_USED = (
    "The budget is used up. Of the available {budget}, {used} has been booked so far, "
    "{free} can still be used."
)
BUDGET_USED_SHORT = "Sorry, the budget is used up."
ACTIVITY_DISABLED = "Cannot start a disabled activity."
PROJECT_DISABLED = "Cannot start a disabled project."
CUSTOMER_DISABLED = "Cannot start a disabled customer."
EXPORTED = "This timesheet is already exported."
BEGIN_IN_FUTURE = "The begin date cannot be in the future."
END_IN_FUTURE = "The end date cannot be in the future."
LOCKED = "This period is locked. Please choose a later date."
TOO_LONG = "Maximum duration exceeded."
LONG_RUNNING = "Maximum {hours} hours allowed."
NEGATIVE = "Duration cannot be negative."
ZERO = "An empty duration is not allowed."
OVERLAP = "You already have an entry for this time."
START_FORBIDDEN = "You are not allowed to start this timesheet record."
PROJECT_FORBIDDEN = "You are not allowed to use this project."
ACTIVITY_FORBIDDEN = "You are not allowed to use this activity."
TAG_COMMA = "Tag name cannot contain comma"
SPECIAL_CHARACTERS = 'These characters are not allowed: < " > ='
NOT_A_COLOR = "The given value is not a valid hexadecimal color."
USERNAME_USED = "The username is already used."
EMAIL_USED = "This e-mail address is already in use."
LEAD_MISSING = "At least one team leader must be assigned to the team."
NOT_A_ZONE = "Please select a valid timezone."
NUMBER_USED = "The number {number} is already used."

_GERMAN = {
    SAVING_FAILED: "Es gab ein Problem beim Speichern.",
    CANNOT_STOP: "Sie haben eine aktive Zeitmessung, die nicht automatisch beendet werden kann.",
    END_BEFORE_BEGIN: "Das Enddatum darf nicht vor dem Startdatum liegen.",
    BEGIN_IN_FUTURE: "Das Startdatum darf nicht in der Zukunft liegen.",
    END_IN_FUTURE: "Das Enddatum darf nicht in der Zukunft liegen.",
    ZERO: "Eine leere Dauer ist nicht erlaubt.",
    LOCKED: "Dieser Zeitraum ist gesperrt, bitte wählen Sie ein späteres Datum.",
    OVERLAP: "Es existiert bereits ein Eintrag für diesen Zeitpunkt.",
    ACTIVITY_MISSING: "Eine Tätigkeit muss ausgewählt werden.",
    PROJECT_MISSING: "Ein Projekt muss ausgewählt werden.",
    EXPORTED: "Dieser Eintrag wurde bereits exportiert.",
    GLOBAL_FORBIDDEN: "Globale Aktivitäten sind in dem gewählten Projekt nicht erlaubt.",
    BUDGET_USED_SHORT: "Entschuldigung, das Budget ist aufgebraucht.",
}


def in_language(text: str, language: str) -> str:
    """`text` as a service error in a person's language, where Kimai has a translation."""
    return _GERMAN.get(text, text) if language.startswith("de") else text
