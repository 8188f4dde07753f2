-- The user databases that hold a management group: only these have a version.
SELECT name
FROM sys.databases
WHERE database_id > 4
  AND state_desc = N'ONLINE'
  AND OBJECT_ID(QUOTENAME(name) + N'.dbo.__MOMManagementGroupInfo__') IS NOT NULL
ORDER BY name;
