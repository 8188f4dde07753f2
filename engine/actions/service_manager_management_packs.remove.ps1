param($Arguments)
# Takes away what an export wrote: the files of the named management packs, and nothing else.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$removed = 0
$problem = $null
if (Test-Path -LiteralPath $Arguments.folder -PathType Container) {
    foreach ($item in @(Get-ChildItem -LiteralPath $Arguments.folder -Force)) {
        if ($item -eq $null -or $item.PSIsContainer -or $item.Extension -ne '.xml') { continue }
        $document = New-Object Xml.XmlDocument
        $document.XmlResolver = $null
        $name = $null
        try {
            $document.Load($item.FullName)
            $name = $document.SelectSingleNode('/ManagementPack/Manifest/Identity[Version]/ID')
        } catch {
            # What cannot be read may well be one; the others are taken away first.
            $cause = $_.Exception.GetBaseException()
            if ($cause -is [IO.IOException] -or $cause -is [UnauthorizedAccessException]) {
                $problem = 'The file ' + $item.Name + ' cannot be read: ' + $cause.Message
            }
            $name = $null
        }
        if ($name -eq $null -or -not (@($Arguments.names) -contains $name.InnerText)) { continue }
        Remove-Item -LiteralPath $item.FullName -Force
        $removed++
    }
}
if ($problem -ne $null) { throw $problem }
@{ removed = $removed }
