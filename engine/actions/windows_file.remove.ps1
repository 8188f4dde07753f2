param($Arguments)
# Takes a file away by giving it the name of its backup.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$folder = (Get-Item -LiteralPath $Arguments.folder -Force).FullName
$target = [IO.Path]::Combine($folder, $Arguments.name)
$backup = [IO.Path]::Combine($folder, $Arguments.backup)
if ([IO.File]::Exists($target)) {
    if ([IO.File]::Exists($backup)) { [IO.File]::Delete($backup) }
    [IO.File]::Move($target, $backup)
}
@{ removed = $true }
