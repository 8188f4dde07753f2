param($Arguments)
# Asks for a restart some seconds from now, so that this answer still gets home.
$ErrorActionPreference = 'Stop'

& shutdown.exe /r /f /t $Arguments.delay_s /d p:4:1 /c $Arguments.comment | Out-Null
if ($LASTEXITCODE -ne 0) { throw "shutdown.exe ended with exit code $LASTEXITCODE." }
@{ requested = $true }
