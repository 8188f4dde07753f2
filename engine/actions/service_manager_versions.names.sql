-- The user databases that hold a management group: only these have a version. A snapshot is no database of its own.
SELECT name
FROM sys.databases
WHERE database_id > 4
  AND state_desc = N'ONLINE'
  AND source_database_id IS NULL
  AND OBJECT_ID(QUOTENAME(name) + N'.dbo.__MOMManagementGroupInfo__') IS NOT NULL
ORDER BY name;
