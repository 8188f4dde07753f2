-- What was restored into a database, the newest first. A restore keeps the moment of its start in local time.
SELECT h.restore_history_id, h.restore_date, h.restore_type, h.recovery, b.backup_set_uuid,
       b.database_name AS source_database, DATEDIFF(minute, GETUTCDATE(), GETDATE()) AS zone_minutes
FROM msdb.dbo.restorehistory AS h
LEFT JOIN msdb.dbo.backupset AS b ON b.backup_set_id = h.backup_set_id
WHERE h.destination_database_name = @database
ORDER BY h.restore_history_id DESC;
