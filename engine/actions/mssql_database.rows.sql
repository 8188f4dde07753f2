-- Every database of the instance, and of a snapshot the database that it is of.
SELECT d.name, d.database_id, d.state_desc, d.user_access_desc, d.is_read_only, d.is_broker_enabled,
       d.compatibility_level, d.recovery_model_desc, d.collation_name, SUSER_SNAME(d.owner_sid) AS owner,
       s.name AS snapshot_of
FROM sys.databases AS d
LEFT JOIN sys.databases AS s ON s.database_id = d.source_database_id
ORDER BY d.database_id;
