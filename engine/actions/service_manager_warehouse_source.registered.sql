-- The data warehouses that the management group of this database is registered with.
SELECT r.DisplayName, r.Server_48B308F9_CF0E_0F74_83E1_0AEB1B58E2FA AS Server
FROM dbo.[MT_Microsoft$SystemCenter$ResourceAccessLayer$DwSdkResourceStore] AS r
ORDER BY r.DisplayName;
