-- Every option of the instance: the value that is set, and the one in use until the next RECONFIGURE.
SELECT c.name, c.value, c.value_in_use, c.is_dynamic
FROM sys.configurations AS c
ORDER BY c.name;
