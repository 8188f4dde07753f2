"""Whatever a host sends, the actions that read a SQL Server decide, and nonsense proves nothing."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.actions import load_actions
from engine.model.data import canonical_json
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Unchanged

HOST = HostView(name="SQL01", platform="windows")
ARGUMENTS: dict[str, dict[str, Any]] = {
    "mssql.instance": {"minimum": "10.50.2500.0"},
    "mssql.database": {"databases": ["A"], "state": "ONLINE", "version": "7.5.1561.0"},
    "mssql.backup_chain": {"databases": ["A"], "before": "2013-03-02T09:00:00+01:00", "lookback_days": 35},
    "mssql.verify_backup": {
        "sets": [{"database": "A", "devices": ["D:\\a.bak"], "position": 1}],
        "data_folder": "D:\\",
    },
}
NAMES = """version level collation full_text name value_in_use state_desc size_bytes database_name DBVersion
backup_set_id
backup_set_uuid type position first_lsn last_lsn time_zone backup_start_date backup_finish_date media_family_count
family_sequence_number device_type physical_device_name is_damaged
Position DatabaseName BackupSetGUID SoftwareVersionMajor Flags Collation HasBackupChecksums Type Size"""
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["A", "D", "I", "ONLINE", "10.50.2500.0", "20", "2013-03-01T09:00:00", "9999-12-31T23:59:59"])
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=2)
)
ROWS = st.dictionaries(st.sampled_from(NAMES.split()), VALUES, max_size=24)
ANSWERS = VALUES | st.fixed_dictionaries({"rows": st.lists(ROWS | VALUES, max_size=4) | VALUES, "truncated": VALUES})


@pytest.mark.parametrize("name", ARGUMENTS)
@given(answers=st.lists(ANSWERS, min_size=12, max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_answer_is_decided(name: str, answers: list[Any]) -> None:
    action = load_actions()[name]
    seen: list[CommandResult] = []
    while len(seen) < len(answers) and action.observe(ARGUMENTS[name], HOST, seen) is not None:
        seen.append(CommandResult(ok=True, value=answers[len(seen)]))
    decision = action.decide(ARGUMENTS[name], HOST, seen)
    assert decision.why
    json.loads(canonical_json(decision.result))
    if isinstance(decision, Unchanged):
        jsonschema.validate(decision.result, action.info.result)
