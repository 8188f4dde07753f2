param($Arguments)
# The management packs that lie in a folder as XML files: whose they are, and which others they build on.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$answer = @{ found = $false; files = @(); others = @() }
if (-not (Test-Path -LiteralPath $Arguments.folder -PathType Container)) { return $answer }

$answer.found = $true
foreach ($item in @(Get-ChildItem -LiteralPath $Arguments.folder -Force | Sort-Object -Property Name)) {
    if ($item -eq $null) { continue }
    if ($item.PSIsContainer -or $item.Extension -ne '.xml') { $answer.others += $item.Name; continue }
    $file = @{ name = $item.Name; id = $null; version = $null; references = @() }
    $document = New-Object Xml.XmlDocument
    $document.XmlResolver = $null
    try {
        $document.Load($item.FullName)
        $identity = $document.SelectSingleNode('/ManagementPack/Manifest/Identity[ID and Version]')
        if ($identity -ne $null) {
            $file.id = $identity.SelectSingleNode('ID').InnerText
            $file.version = $identity.SelectSingleNode('Version').InnerText
            $file.references = @($document.SelectNodes('/ManagementPack/Manifest/References/Reference/ID') | ForEach-Object { $_.InnerText })
        }
    } catch {
        # What cannot be read may well be one.
        $cause = $_.Exception.GetBaseException()
        if ($cause -is [IO.IOException] -or $cause -is [UnauthorizedAccessException]) {
            throw ('The file ' + $item.Name + ' cannot be read: ' + $cause.Message)
        }
        # What is no management pack has no name; the engine says so.
        $file.id = $null
        $file.version = $null
    }
    $answer.files += $file
}
$answer
