-- The version of the sealed library that every Service Manager database of the product holds.
SELECT MPVersion
FROM dbo.ManagementPack
WHERE MPName = N'System.WorkItem.Library';
