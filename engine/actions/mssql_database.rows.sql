-- Every database of the instance.
SELECT d.name, d.database_id, d.state_desc, d.user_access_desc, d.is_read_only, d.is_broker_enabled,
       d.compatibility_level, d.recovery_model_desc, d.collation_name, SUSER_SNAME(d.owner_sid) AS owner
FROM sys.databases AS d
ORDER BY d.database_id;
