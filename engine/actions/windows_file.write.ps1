param($Arguments)
# Replaces or creates a file in one step; what was there before is kept under the name of the backup.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$bytes = [Convert]::FromBase64String($Arguments.content)
$folder = (Get-Item -LiteralPath $Arguments.folder -Force).FullName
$target = [IO.Path]::Combine($folder, $Arguments.name)
$fresh = $target + '.runbook-new'
[IO.File]::WriteAllBytes($fresh, $bytes)
try {
    if ([IO.File]::Exists($target)) {
        [IO.File]::Replace($fresh, $target, [IO.Path]::Combine($folder, $Arguments.backup))
    } else {
        [IO.File]::Move($fresh, $target)
    }
} finally {
    if ([IO.File]::Exists($fresh)) { [IO.File]::Delete($fresh) }
}
@{ size = $bytes.Length }
