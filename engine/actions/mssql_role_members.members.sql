-- Who is in which role of the database.
SELECT r.name AS role_name, m.name AS member_name
FROM sys.database_role_members AS x
JOIN sys.database_principals AS r ON r.principal_id = x.role_principal_id
JOIN sys.database_principals AS m ON m.principal_id = x.member_principal_id
ORDER BY r.name, m.name;
