-- The users and roles of the database.
SELECT p.name, p.sid, p.type_desc
FROM sys.database_principals AS p
WHERE p.type IN ('S', 'U', 'G', 'R')
ORDER BY p.name;
