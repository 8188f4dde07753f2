-- What was restored into a database, the newest first. A restore keeps the moment of its start in local time. A set that
-- was only verified (V) is on record too, and one that was stopped at a moment or a mark is not in as a whole.
SELECT h.restore_history_id, h.restore_date, h.restore_type, h.recovery, b.backup_set_uuid,
       b.database_name AS source_database, DATEDIFF(minute, GETUTCDATE(), GETDATE()) AS zone_minutes,
       CASE WHEN h.stop_at IS NULL AND h.stop_at_mark_name IS NULL THEN 0 ELSE 1 END AS stopped_early
FROM msdb.dbo.restorehistory AS h
LEFT JOIN msdb.dbo.backupset AS b ON b.backup_set_id = h.backup_set_id
WHERE h.destination_database_name = @database
  AND (h.restore_type IS NULL OR h.restore_type <> 'V')
ORDER BY h.restore_history_id DESC;
