"""A page for every diagnostic code of this room: what it means, why, an example. A code never changes meaning."""

from collections.abc import Mapping

EXPLANATIONS: Mapping[str, str] = {
    "Y101": (
        "The text is not YAML. The place is where the reader gave up; the cause is there or a little before "
        "it, often an unclosed quote, a missing blank after a colon or a line that is indented differently "
        "from its neighbours. Example: `title: Start: again` needs quotes around the text."
    ),
    "Y102": (
        "A key stands twice in one mapping. Other readers keep the last one and drop the first without a "
        "word, so half of what was written would be lost. Keep one. Example: two `when:` in one step."
    ),
    "Y103": (
        "A YAML tag such as `!vault` or `!!int` was used. Tags make readers build things that the page does "
        "not show, and vault blobs cannot be opened here. Use quotes for text, and references such as "
        "env:NAME for secrets."
    ),
    "Y104": (
        "An alias (`*name`) stands for too many values, for something that contains itself, or for nothing. A "
        "few lines of aliases can stand for billions of values, so their number is limited. Write the values "
        "out."
    ),
    "Y105": (
        "A number with a leading zero, such as 017, is 15 for some readers and 17 for others. Write it in "
        "quotes if it is text, as 0o17 if it is octal, or without the zero."
    ),
    "Y106": (
        "A tab stands in the indentation. Its width is a matter of the editor, so YAML forbids it. Indent with spaces."
    ),
    "Y107": (
        "A key is not text: a number, true, null, a list or a mapping. Write it in quotes. Example: `1433: "
        'open` becomes `"1433": open`. A text that starts with {{ without quotes also looks like a mapping: '
        'write "{{ ... }}".'
    ),
    "Y108": (
        "A second document starts in the same file. The engine reads one document from a file, so that "
        "nothing is skipped without a word. Example: a line `---` in the middle of a runbook."
    ),
    "Y109": (
        "The file holds nothing but blanks and comments. An empty runbook would do nothing and report that "
        "all went well."
    ),
    "Y110": (
        "The file is not UTF-8, or holds a character that YAML forbids. Windows editors and `>` of PowerShell "
        "write UTF-16 or the code page of the system. Save the file as UTF-8."
    ),
    "Y111": (
        "The document is too large or nested too deeply to have been written by a person. Split it. The "
        "limits are 8 MiB, 400,000 values and 50 levels."
    ),
    "Y112": (
        "A number is infinite, not a number, or too large for 64 bits. Put it in quotes if it is text, such "
        "as a serial number."
    ),
    "Y113": (
        "The merge key `<<` was part of YAML 1.1 and was dropped from 1.2. What a mapping holds should stand "
        "in it. Write the keys out."
    ),
    "S201": (
        "A key is not part of this document. Most often it is misspelt; a misspelt `requires` that was "
        "ignored would remove a gate. Example: `hots: server` in a step; the hint names the nearest key."
    ),
    "S202": (
        "A key that must be there is missing. `runbook schema KIND` lists what a document needs. Example: a "
        "step without an `id` cannot be named by later steps."
    ),
    "S203": (
        "A value is of the wrong kind: text where a number belongs, a list where a mapping belongs. Note that "
        '`1.0` is a number and "1.0" is text, and that yes, no, on and off are text.'
    ),
    "S204": ("A value is not one of those allowed. Example: `effect: permenant`; the hint names the nearest one."),
    "S205": (
        "A text has not the form it must have, such as a step's id in lower case letters, digits and "
        "underscores, or a proof as kind(subject). Ids are names in expressions, so blanks and hyphens would "
        "break them."
    ),
    "S206": (
        "A number, a length or a count is out of bounds, or a list holds an item twice. The sentence names "
        "the bound. Example: `attempts: 0` would never try at all."
    ),
    "S207": ("A value fits none of the forms that are allowed here. The hint shows an example of a form that is."),
    "S208": (
        "The document says it is of another kind or version than was expected. Example: an inventory or a "
        "triage given where a runbook is expected, or `schema: runbook/v2` for an engine that reads version "
        "1."
    ),
    "S209": (
        "A text is not a duration. Write 250ms, 30s, 5m, 2h, 1d, a combination from large to small such as "
        "1h30m, or a number of seconds."
    ),
    "S210": (
        "The default of a parameter breaks the parameter's own declaration. The run would be refused whenever "
        "nobody gives a value. Example: `default: 5` with `minimum: 10`."
    ),
    "S211": (
        "A secret stands in plain text. Inventories and runbooks are kept in version control and copied, so "
        "whoever reads them would have it. Write a reference: env:NAME, file:PATH, prompt:LABEL or "
        "keyring:SERVICE/NAME."
    ),
    "S212": (
        "A connection setting is not supported. Settings that other tools know and this engine does not would "
        "be ignored without a word, so they are refused. Example: `ansible_become`: the engine never changes "
        "the account on a host."
    ),
    "S213": (
        "A variable of the inventory is templated or a vault blob. An inventory is data: it is never "
        "rendered, so that what it says can be read. Write the value out, or move it to the runbook's params."
    ),
    "S214": (
        "A host name or range cannot be read. Ranges are web[01:03], db[a:c] or web[01:09:2]; names hold "
        "letters, digits, dots, hyphens and underscores."
    ),
    "S216": (
        "The inventory is in INI form or is a script. The engine reads YAML only and runs no inventory "
        "scripts, as they would run with the operator's rights. Save what the script answers as YAML."
    ),
    "S217": (
        "Connection settings contradict each other. Example: basic authentication over http sends the "
        "password in clear text; a read time-out that is not longer than the operation time-out breaks every "
        "slow command."
    ),
    "E301": (
        "The text is not an expression. Conditions are written without braces: `when: steps.check.changed`. "
        "Equality is ==, text stands in quotes, and the words are and, or, not."
    ),
    "E302": (
        "The expression uses something the language leaves out: calls, arithmetic beyond + and -, mappings, "
        "slices. Conditions stay short enough to be reviewed, and cannot be made to compute without end."
    ),
    "E303": (
        "The filter or test does not exist or does not take these arguments. `default` and `defined` are left "
        "out on purpose: every name is checked before the run, so a misspelt one can never read as false."
    ),
    "E304": (
        "A condition, or a part of it joined by and, or, not, is no boolean. Nothing counts as true but true: "
        "an empty list, a zero or the text no would be guesses. Compare: `steps.count.files > 0`."
    ),
    "E305": (
        "A template is not closed, or not readable. Between {{ and }} stands one expression. The two braces "
        'themselves are written {{ "{{" }}.'
    ),
    "E306": (
        "The expression is too long or nested too deeply to be reviewed. Split it over several steps; the "
        "`assert` action can hold one part each."
    ),
    "E307": (
        "Two kinds of value do not go together: a number compared with a text, a list inside a text. The "
        'comparison would be false for ever. Example: `steps.find.count == "3"` needs 3 without quotes.'
    ),
    "E308": (
        "A value is compared with a text it can never have. Example: an answer of the operator compared with "
        "a key that is not among the answers; the branch would never be taken."
    ),
    "R401": (
        "A name is not readable here: a namespace that does not exist, or a parameter that is not declared. "
        "Readable are params, host, facts, steps and run; in wait.until also result. Text needs quotes."
    ),
    "R402": (
        "An expression reads a step that does not exist. Most often it is misspelt; the hint names the "
        "nearest step. Unlike in other languages this never reads as empty."
    ),
    "R403": (
        "An expression reads a step that has not run yet at this place. Move the step up, or read an earlier one."
    ),
    "R404": (
        "A host pattern names something that is neither a host nor a group of the inventory, or it is empty. "
        "A pattern that quietly matched nothing would make a recovery do nothing."
    ),
    "R405": (
        "A field does not exist: of a step's result, of a fact, or of a value inside. `runbook actions NAME` "
        "shows what an action returns. Facts come from earlier steps such as windows.host."
    ),
    "R406": (
        "A group of the inventory contains itself, directly or through others, so its hosts and variables "
        "have no order. Break the ring."
    ),
    "R407": ("A name stands for a group and for a host, so a host pattern with it would mean two things. Rename one."),
    "R408": (
        "A file under group_vars or host_vars belongs to no group or host of the inventory, so nothing reads "
        "it. Most often its name is misspelt."
    ),
    "R420": (
        "A name in the triage document means nothing: a phase, a signature, a group of exit codes or a finding that is "
        "written in a row or a suspicion is not declared, or is not one of those that the reader gives. The hint names "
        "the nearest known one. Example: `speaks_for: [predicted-check]` where the phase is called `predicted-checks`."
    ),
    "R409": (
        "The inventory names no host. Nothing could be checked or changed, and a run over no hosts is no success."
    ),
}
