-- The backup history of one database, a row a media family. A set is written over when a later one took its position in
-- the same media set (INIT), or when its file now belongs to a later media set (FORMAT). A restore of a file from
-- elsewhere leaves a row here too, so each row says which server made it and which family of databases it is of.
SELECT b.backup_set_id, b.backup_set_uuid, b.media_set_id, b.position, b.type, b.is_copy_only, b.has_backup_checksums,
       b.is_damaged, b.is_snapshot, b.has_incomplete_metadata, b.backup_start_date, b.backup_finish_date, b.time_zone,
       b.first_lsn, b.last_lsn, b.fork_point_lsn, b.differential_base_guid, b.first_recovery_fork_guid,
       b.last_recovery_fork_guid, b.backup_size, b.server_name, @@SERVERNAME AS server_known_as,
       CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)) AS server_is, b.family_guid,
       s.family_guid AS present_family, b.software_major_version, b.software_minor_version,
       b.software_build_version, m.media_family_count, f.family_sequence_number, f.device_type, f.physical_device_name,
       CASE
           WHEN EXISTS (SELECT 1
                        FROM msdb.dbo.backupset AS later
                        WHERE later.media_set_id = b.media_set_id
                          AND later.backup_set_id > b.backup_set_id
                          AND later.position <= b.position) THEN 1
           WHEN u.newest > b.media_set_id THEN 1
           ELSE 0
       END AS overwritten
FROM msdb.dbo.backupset AS b
LEFT JOIN msdb.dbo.backupmediaset AS m ON m.media_set_id = b.media_set_id
LEFT JOIN msdb.dbo.backupmediafamily AS f ON f.media_set_id = b.media_set_id AND f.mirror = 0
LEFT JOIN (SELECT o.physical_device_name, MAX(o.media_set_id) AS newest
           FROM msdb.dbo.backupmediafamily AS o
           GROUP BY o.physical_device_name) AS u ON u.physical_device_name = f.physical_device_name
LEFT JOIN sys.databases AS d ON d.name = @database
LEFT JOIN sys.database_recovery_status AS s ON s.database_id = d.database_id
WHERE b.database_name = @database
  AND b.backup_finish_date >= @since
ORDER BY b.backup_set_id, f.family_sequence_number;
