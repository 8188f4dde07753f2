-- The options of an instance that matter to databases with code of their own in them.
SELECT name, value_in_use
FROM sys.configurations
WHERE name IN (N'allow updates', N'clr enabled')
ORDER BY name;
