-- The logins of the instance that people and services use.
SELECT p.name, p.sid, p.type_desc, p.is_disabled
FROM sys.server_principals AS p
WHERE p.type IN ('S', 'U', 'G')
ORDER BY p.name;
