-- The files of every database; a page has 8192 bytes.
SELECT d.name AS database_name, f.file_id, f.name, f.physical_name, f.type_desc,
       CAST(f.size AS bigint) * 8192 AS size_bytes
FROM sys.master_files AS f
JOIN sys.databases AS d ON d.database_id = f.database_id
ORDER BY f.database_id, f.file_id;
