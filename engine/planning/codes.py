"""A page for each diagnostic code of planning: what it means, why it is one, and an example."""

from collections.abc import Mapping

EXPLANATIONS: Mapping[str, str] = {
    "R450": (
        "A step names an action that does not exist. Actions are built in, so a name that is off by a letter can "
        "never run. Example: action: windows.servce. Use windows.service; runbook actions lists all."
    ),
    "R452": (
        "An argument under with does not fit the action: it is missing, unknown, or of another type. The action's "
        "schema says what it takes, and it is checked before any host is touched. A template whose value is known "
        "only during the run is not judged here. Example: with: {nmae: OMCFG}. runbook actions NAME shows the "
        "arguments."
    ),
    "R453": (
        "Two steps have the same id. A step's id names its result in expressions, so it must be unique in the "
        "runbook. Example: two steps with id: check."
    ),
    "R454": (
        "A step runs on a name that the runbook's hosts block does not have. Steps name target sets of the "
        "runbook, not hosts or groups of the inventory, so that the runbook fits every estate. Example: hosts: "
        "servers, where the block says server: {pattern: management_servers}."
    ),
    "R455": (
        "The action sends commands to a host, but the step has no hosts. Without one it would do nothing and look "
        "done. Example: action: windows.service without a line such as hosts: server."
    ),
    "R456": (
        "The action belongs to the operator or to the engine, yet the step has hosts. It runs once, not once a "
        "host. Example: action: operator.ask with hosts: server. Take the line out."
    ),
    "R457": (
        "on_failure must be abort, continue, finding, or the id of a later step. A jump backwards would be a loop, and "
        "a loop around a change is how a small failure becomes a large one. Example: on_failure: first_step in the "
        "second step."
    ),
    "R458": (
        "A step requires a kind of proof that no action yields. It could never be met, so the step could never "
        "run. Example: requires: [baseline-unchaged(estate)]. Use baseline-unchanged."
    ),
    "R460": (
        "A parameter is declared and nothing reads it. Often the name is misspelt where it should be read. "
        "Example: params: {timeout_ms: ...} and no params.timeout_ms in any step."
    ),
    "R461": (
        "A set in the runbook's hosts block is used by no step. Its hosts would be counted and never looked at. "
        "Example: database: {pattern: sql_servers} and no step with hosts: database."
    ),
    "R462": (
        "An operator's question gives a proof for one of its answers, and proven_by does not name one. Example: "
        "answers: {accept: ..., refuse: ...} with proven_by: accepted."
    ),
    "R463": (
        "A person's answer was to give a proof that an action gives by looking. A word must not stand in for a look: "
        "people consent, hosts show. Example: operator.ask with proves: backup-verified(ServiceManager)."
    ),
    "R464": (
        "A step that asks a person to do or to say something requires an approval too. The person who does it has "
        "agreed to it; other proofs may be required. Example: operator.instruct with requires: [approval(operator)]."
    ),
    "R465": (
        "A proof says of which hosts it is to be (kind(NAME@HOSTS)), and that does not fit: HOSTS is none of the "
        "runbook's hosts, or the proof is not about a name. A plain name is one of the step's own hosts, since another "
        "server may have a database of the same name. Example: requires: [backup-verified(ServiceManager@sql)], where "
        "the block hosts has no sql."
    ),
    "R466": (
        "A step runs another runbook whose name is an expression. A plan covers the runbooks that it runs, so that an "
        "approved plan is what runs, and an expression may name another one later. Example: action: runbook, with: "
        "{name: '{{ params.which }}'}. Write a step for each runbook, with a condition."
    ),
    "R467": (
        "A step says in two ways what a failure means, or in a way that does not fit it. on_failure: finding is for "
        "looks: what they find neither fails the run nor leaves the host out, so failures are not counted. "
        "on_failure: continue goes on after every failure, so a budget matters only between batches (serial). Example: "
        "on_failure: finding in a step that restarts a service."
    ),
    "R468": (
        "An approval names somebody other than the operator. The engine asks whoever runs it, and knows no other "
        "people, so such a line would promise what nobody keeps. Example: requires: [approval(anna)]. Write "
        "approval(operator), and say in why whom the operator has to ask."
    ),
    "R469": (
        "A secret parameter is compared, or stands inside a longer text. A secret is handed on only as a whole "
        "argument, so that it is never part of a text that is shown or kept; the run would fail at this step. Example: "
        'when: params.password == "x". Hand it on alone: password: "{{ params.password }}".'
    ),
    "R474": (
        "The step read ran on several hosts and none of them is this step's host, so its result does not say of "
        "which host. Read steps.ID.hosts, a mapping from host to result, or run both steps on the same hosts. "
        "Example: a step for the operator that reads steps.versions.equal of two servers."
    ),
    "R475": (
        "A step of the operator or of the engine runs on no host, so it has no host.name, no groups and no variables. "
        "A condition on them would read as false, and the step would be skipped in silence. Example: an assert with "
        "when: '\"sql_servers\" in host.groups'. Read what an earlier step found on its hosts: steps.ID.hosts."
    ),
    "P501": (
        "A step needs a proof, and there is a path through the runbook that reaches the step without passing the "
        "step that yields the proof: a condition skips it, a failure goes on past it, or a jump leads around it. "
        "The message shows the shortest such path. Example: gate (skipped) -> restore, where gate has a when. Two "
        "steps under the same condition of params or run belong together and are no such path."
    ),
    "P502": (
        "A step needs a proof that no step before it yields about that subject. Add a step whose action yields it,"
        " or move it up. A step yields its proof about each of its hosts, and about the estate. Example: requires:"
        " [baseline-unchanged(estate)] in the first step."
    ),
    "P503": (
        "A runbook says that a step does less than its action does. Effects can be raised, never lowered, as "
        "approvals and the point of no return hang on them. Only free-form scripts (windows.script, posix.command)"
        " are what the runbook declares. Example: action: windows.registry_value with effect: observe."
    ),
    "P504": (
        "A permanent step has a retry. A second attempt at something that cannot be undone is a decision for a "
        "person. Example: effect: permanent together with retry: {attempts: 3}."
    ),
    "P505": (
        "The subject of a proof is neither estate, nor a set of the runbook's hosts block, nor a host of the "
        "inventory. Proofs are about hosts, so this one could never stand. Example: requires: "
        "[baseline-unchanged(databse)]."
    ),
    "P513": (
        "A permanent step needs a proof for each thing it is about, such as each database, but these names come out "
        "of an earlier step's result and are known only during the run. What cannot be named cannot be planned, shown "
        'or approved. Example: databases: "{{ steps.names.databases }}" in a restore. Use a parameter.'
    ),
    "P508": (
        "A step would run on a host of a platform that its action is not for. Example: windows.service on a host "
        "with runbook_platform: posix."
    ),
    "P509": (
        "A value that could be worked out while planning cannot: it reads a variable that the host does not have, "
        'or joins what cannot be joined. Example: "{{ host.vars.install_directory }}" and no such variable for one'
        " of the hosts."
    ),
    "P510": (
        "A set of the runbook's hosts block has no host. A run that looks at nothing would end well and prove "
        "nothing, so this is an error. Example: pattern: sql_servers and an inventory without that group."
    ),
    "P511": (
        "A set has another number of hosts than the runbook asks for. The message names the hosts found. With "
        "exactly: 1 and several hosts, choose one with --limit. Example: server: {pattern: management_servers, "
        "exactly: 1} and two management servers."
    ),
    "P512": (
        "The limit takes hosts out of a step whose proof is about the estate, so the proof would speak of fewer "
        "hosts than the runbook means. Before a reversible change this is a warning, before a permanent one an "
        "error. Example: --limit SQL01 with a gate over all sql_servers."
    ),
    "P514": (
        "A step that always runs is reached after any failure, so no gate stands before it for certain. It may look, "
        "or change what can be undone; it is never permanent and requires nothing. Example: always: true on a step "
        "that overwrites a database."
    ),
    "P524": (
        "A step runs another runbook, and that one cannot be planned with what the step gives it: it is missing, lacks "
        "an input, has no such input, or does not fit the inventory. Runbooks that a runbook runs are planned with it, "
        "before any host is touched. Example: action: runbook with name: stage-restore and no before under params."
    ),
    "P525": (
        "A failure is to lead to a later step, yet so many hosts may fail that it never does: a step fails once more "
        "hosts than max_failures have failed, and it has no more than that. Example: max_failures: 1000 with "
        "on_failure: next_check on two hosts. For a look whose findings do not fail the run, write on_failure: finding."
    ),
    "P515": (
        "--start-at names no step of the runbook, or no step has one of the tags of --tags. What was meant would be "
        "left out, and the run would end well. Example: --start-at rebot."
    ),
    "P516": (
        "A step was not chosen and stays in the plan: it only observes, and a chosen step needs its proof, its "
        "facts or its result. Looking again harms nobody. Example: --start-at reboot keeps the step that compares "
        "the versions with the baseline."
    ),
    "P517": (
        "A chosen step reads the result of a changing step that was left out. The changing step is not brought "
        "back by itself. Choose it too, or begin earlier. Example: --start-at reboot, whose condition reads "
        "steps.start_timeout.changed."
    ),
    "P518": (
        "A chosen step leads to another one when it fails, and that one was left out. A failure then ends the run."
        " Example: --tags check without the step that on_failure names."
    ),
    "P520": (
        "A value was given for a parameter that the runbook does not declare. It would be ignored in silence. "
        "Example: -e timeout=5 where the runbook has timeout_ms."
    ),
    "P521": ("A parameter has no default and no value was given. Example: -e database=ServiceManager is missing."),
    "P522": (
        "A parameter's value does not fit its declaration. A text from the command line becomes a number, a list "
        "or a mapping only if the declaration says so. Example: -e start_timeout_ms=fast, declared as an integer."
    ),
    "P523": (
        "A secret parameter was given as plain text. Command lines are seen by every user of a machine and kept in"
        " histories. Give the place the secret is kept in: env:NAME, file:PATH, prompt:LABEL or "
        "keyring:SERVICE/NAME."
    ),
}
