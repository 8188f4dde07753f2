"""The query about the registration with a data warehouse: what it means is what the lab's SQL Server answers."""

import random

import pytest

from engine.lab.behaviours import PayloadError
from engine.lab.behaviours.sql_answers import answer
from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.lab.machine_sql import Database, SqlInstance
from engine.model.packaged import payload
from tests.support.sql_server import Embedded

QUERY = payload("service_manager_warehouse_source.registered.sql")
TABLE = "MT_Microsoft$SystemCenter$ResourceAccessLayer$DwSdkResourceStore"
SERVER = "Server_48B308F9_CF0E_0F74_83E1_0AEB1B58E2FA"


def a_machine(warehouses: dict[str, str], packs: dict[str, str]) -> Machine:
    machine = Machine("SQL01", LabClock(1362218400.0, speed=None))
    machine.sql = SqlInstance()
    machine.sql.add(Database(name="ServiceManager", warehouses=warehouses, management_packs=packs))
    return machine


def test_rows() -> None:
    registered = 0
    for seed in range(60):
        dice = random.Random(seed)
        names = dice.sample(["Resource Store", "a store", "B store", "\u00dcber"], dice.randrange(4))
        warehouses = {name: dice.choice(["DW01.contoso.lab", "dw02", ""]) for name in names}
        machine = a_machine(warehouses, {"System.Library": "7.5.1561.0"})
        embedded = Embedded({TABLE: [{"DisplayName": name, SERVER: server} for name, server in warehouses.items()]})
        real = embedded.rows(QUERY, {})
        embedded.close()
        modelled = answer(machine, "", "ServiceManager", QUERY, {})
        assert [tuple(one.values()) for one in real] == list(modelled.rows), seed
        assert all(list(one) == [name for name, _ in modelled.columns] for one in real)
        registered += bool(real)
    assert registered > 20


def test_a_database_of_something_else_has_no_such_table() -> None:
    with pytest.raises(PayloadError, match="Invalid object name"):
        answer(a_machine({}, {}), "", "ServiceManager", QUERY, {})
