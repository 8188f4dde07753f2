param($Arguments)
# Puts a backup back in the place of the file; without a backup, takes the file away that had not been there.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$folder = (Get-Item -LiteralPath $Arguments.folder -Force).FullName
$target = [IO.Path]::Combine($folder, $Arguments.name)
if ($Arguments.backup) {
    $backup = [IO.Path]::Combine($folder, $Arguments.backup)
    if (-not [IO.File]::Exists($backup)) { throw ('The backup ' + $Arguments.backup + ' is gone from ' + $Arguments.folder + '.') }
    [IO.File]::Copy($backup, $target, $true)
} elseif ([IO.File]::Exists($target)) {
    [IO.File]::Delete($target)
}
@{ restored = $true }
