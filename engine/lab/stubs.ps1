param($Arguments)
# Makes this PowerShell stand on a lab machine's state: the Windows cmdlets as functions over $global:lab.
# What a start or a stop of a service ends with was worked out by the lab; here it only happens.
$ErrorActionPreference = 'Stop'
$global:lab = $Arguments
$global:labEpoch = New-Object -TypeName DateTime -ArgumentList 1970, 1, 1, 0, 0, 0, ([DateTimeKind]::Utc)

if ($lab.root) {
    if (Get-PSDrive -Name C -ErrorAction SilentlyContinue) { Remove-PSDrive -Name C -Scope Global -Force }
    New-PSDrive -Name C -PSProvider FileSystem -Root $lab.root -Scope Global | Out-Null
}
if ($null -ne $lab.registry) {
    foreach ($child in @(Get-ChildItem -LiteralPath 'HKLM:\')) {
        Remove-Item -Path $child.Name.Replace('HKEY_LOCAL_MACHINE', 'HKLM:') -Recurse -Force
    }
    foreach ($key in $lab.registry) {
        $path = 'HKLM:' + $key.path.Substring(4)
        if (-not (Test-Path -LiteralPath $path)) { New-Item -Path $path -Force | Out-Null }
        foreach ($value in $key.values) {
            $data = $value.data
            if ($value.kind -eq 'Binary') { $data = [byte[]]@($data) }
            if ($value.kind -eq 'MultiString') { $data = [string[]]@($data) }
            New-ItemProperty -Path $path -Name $value.name -PropertyType $value.kind -Value $data -Force | Out-Null
        }
    }
}

if (-not $global:labReady) {
    $global:labGetDate = Get-Command -Name Get-Date -CommandType Cmdlet

    function global:ConvertFrom-LabTime($Seconds) { $global:labEpoch.AddSeconds([double]$Seconds) }

    function global:ConvertTo-LabWmiTime($Seconds) {
        (ConvertFrom-LabTime $Seconds).ToString('yyyyMMddHHmmss', [Globalization.CultureInfo]::InvariantCulture) + '.000000+000'
    }

    function global:New-LabObject($Properties) {
        $object = New-Object -TypeName PSObject -Property $Properties
        Add-Member -InputObject $object -MemberType ScriptMethod -Name ConvertToDateTime -Value {
            param($Text)
            $moment = [datetime]::ParseExact($Text.Substring(0, 14), 'yyyyMMddHHmmss', [Globalization.CultureInfo]::InvariantCulture)
            [datetime]::SpecifyKind($moment, 'Utc').AddMinutes(-[int]$Text.Substring(21)).ToLocalTime()
        }
        $object
    }

    # A start that was under way ends when its time has come.
    function global:Update-Lab {
        $due = @($global:lab.services | Where-Object { $_.pending -and [double]$_.pending.due -le [double]$global:lab.now })
        foreach ($service in @($due | Sort-Object -Property { [double]$_.pending.due })) {
            $effect = $service.pending
            $service.pending = $null
            if ($effect -ne $null) { Invoke-LabEffect $service $effect | Out-Null }
        }
    }

    function global:Get-LabService($Name) {
        foreach ($one in $global:lab.services) { if ($one.name -eq $Name) { return $one } }
    }

    # Applies what the lab worked out for a start or a stop; gives WMI's return value.
    function global:Invoke-LabEffect($Service, $Effect) {
        if ($Effect -eq $null) { return 8 }
        $global:lab.now = [double]$global:lab.now + [double]$Effect.seconds
        foreach ($change in $Effect.services) {
            $target = Get-LabService $change.name
            foreach ($key in @('state', 'exit_code', 'process_id', 'since')) { $target[$key] = $change[$key] }
            $target.pending = $null
        }
        foreach ($event in $Effect.events) {
            foreach ($log in $global:lab.logs) {
                if ($log.name -eq $event.log) {
                    $event.record = $log.entries.Count + 1
                    $log.entries = @($log.entries) + @($event)
                }
            }
        }
        Save-Lab
        $Effect.code
    }

    function global:New-LabServiceObject($One) {
        $object = New-LabObject @{
            Name = $One.name; DisplayName = $One.display_name; State = $One.state; StartMode = $One.start_mode
            StartName = $One.account; PathName = $One.path; ProcessId = $One.process_id; ExitCode = $One.exit_code
            Started = ($One.state -eq 'Running'); Status = 'OK'
        }
        Add-Member -InputObject $object -MemberType ScriptMethod -Name StartService -Value {
            $service = Get-LabService $this.Name
            $code = 10
            if ($service.state -eq 'Stopped') {
                if ($service.start_mode -eq 'Disabled') { $service.exit_code = 1058; $code = 14 }
                else { $code = Invoke-LabEffect $service $service.on_start }
            }
            New-Object -TypeName PSObject -Property @{ ReturnValue = $code }
        }
        Add-Member -InputObject $object -MemberType ScriptMethod -Name StopService -Value {
            $service = Get-LabService $this.Name
            $code = 6
            if ($service.state -eq 'Running') { $code = Invoke-LabEffect $service $service.on_stop }
            New-Object -TypeName PSObject -Property @{ ReturnValue = $code }
        }
        Add-Member -InputObject $object -MemberType ScriptMethod -Name ChangeStartMode -Value {
            param($Mode)
            if ($Mode -eq 'Automatic') { $Mode = 'Auto' }
            (Get-LabService $this.Name).start_mode = $Mode
            Save-Lab
            New-Object -TypeName PSObject -Property @{ ReturnValue = 0 }
        }
        $object
    }

    function global:Get-WmiObject {
        param($Class, $Filter, $Namespace, $ComputerName, [switch]$EnableAllPrivileges)
        Update-Lab
        $objects = @()
        switch ($Class) {
            'Win32_Service' { $objects = @($global:lab.services | ForEach-Object { New-LabServiceObject $_ }) }
            'Win32_OperatingSystem' {
                $objects = @(New-LabObject @{
                        Caption = $global:lab.os_caption + ' '; Version = $global:lab.os_version; CSName = $global:lab.name
                        LastBootUpTime = (ConvertTo-LabWmiTime $global:lab.booted_at)
                    })
            }
            'Win32_ComputerSystem' {
                $member = [bool]$global:lab.domain
                $domain = 'WORKGROUP'
                if ($member) { $domain = $global:lab.domain }
                $objects = @(New-LabObject @{ Name = $global:lab.name; Domain = $domain; PartOfDomain = $member })
            }
            'Win32_Process' {
                $hosted = @($global:lab.services | Where-Object { $_.state -eq 'Running' -and $_.process_id -and $_.image } |
                        ForEach-Object { @{ name = $_.image; process_id = $_.process_id; parent_id = 4; started = $_.since } })
                $objects = @(@($global:lab.processes) + $hosted | Where-Object { $_ -ne $null } | ForEach-Object {
                        New-LabObject @{
                            Name = $_.name; ProcessId = $_.process_id; ParentProcessId = $_.parent_id
                            CreationDate = (ConvertTo-LabWmiTime $_.started)
                        }
                    })
            }
            'Win32_Volume' {
                $objects = @($global:lab.volumes | ForEach-Object {
                        New-LabObject @{ Name = $_.name; Label = $_.label; Capacity = $_.size; FreeSpace = $_.free; DriveType = $_.drive_type }
                    })
            }
            'Win32_LogicalDisk' {
                $objects = @($global:lab.volumes | Where-Object { $_.name.Length -eq 3 } | ForEach-Object {
                        New-LabObject @{ DeviceID = $_.name.Substring(0, 2); VolumeName = $_.label; Size = $_.size; FreeSpace = $_.free; DriveType = $_.drive_type }
                    })
            }
            default { throw "The lab has no WMI class $Class." }
        }
        if ($Filter -match "^\s*(\w+)\s*=\s*'?([^']*)'?\s*$") {
            $name = $Matches[1]
            $wanted = $Matches[2]
            $objects = @($objects | Where-Object { [string]$_.$name -eq $wanted })
        } elseif ($Filter) { throw "The lab does not understand the filter $Filter." }
        $objects
    }

    function global:Get-Date {
        if ($args.Count -gt 0) { & $global:labGetDate @args } else { (ConvertFrom-LabTime $global:lab.now).ToLocalTime() }
    }

    function global:Start-Sleep {
        param([double]$Seconds, [double]$Milliseconds)
        $global:lab.now = [double]$global:lab.now + $Seconds + $Milliseconds / 1000
    }

    function global:New-LabEntry($One) {
        $time = (ConvertFrom-LabTime $One.time).ToLocalTime()
        New-Object -TypeName PSObject -Property @{
            Index = $One.record; TimeGenerated = $time; TimeWritten = $time; Source = $One.source; EventID = $One.event_id
            InstanceId = $One.instance_id; EntryType = $One.level; Message = $One.message; ReplacementStrings = [string[]]@($One.strings)
        }
    }

    function global:Get-EventLog {
        param($LogName, [switch]$List, $Newest, $Source, $EntryType, $After, $Before, $ComputerName)
        if ($List) {
            foreach ($log in $global:lab.logs) {
                $entries = @($log.entries | Where-Object { $_ -ne $null } | ForEach-Object { New-LabEntry $_ })
                New-Object -TypeName PSObject -Property @{ Log = $log.name; LogDisplayName = $log.name; Entries = $entries }
            }
            return
        }
        $log = $global:lab.logs | Where-Object { $_.name -eq $LogName }
        if ($log -eq $null) { throw "The event log '$LogName' on computer '.' does not exist." }
        $entries = @($log.entries | Where-Object { $_ -ne $null } | ForEach-Object { New-LabEntry $_ })
        [Array]::Reverse($entries)
        $entries = @($entries | Where-Object {
                (-not $Source -or $Source -contains $_.Source) -and (-not $EntryType -or $EntryType -contains $_.EntryType) -and
                (-not $After -or $_.TimeGenerated -gt $After) -and (-not $Before -or $_.TimeGenerated -lt $Before)
            })
        if ($Newest) { $entries = @($entries | Select-Object -First $Newest) }
        $entries
    }

    function global:Set-LabRestart($Delay, $Comment) {
        $global:lab.restart = @{ delay_s = $Delay; comment = $Comment }
        Save-Lab
    }

    function global:shutdown.exe {
        $delay = 30
        $comment = ''
        for ($i = 0; $i -lt $args.Count; $i++) {
            if ($args[$i] -eq '/t') { $delay = [int]$args[$i + 1] }
            if ($args[$i] -eq '/c') { $comment = [string]$args[$i + 1] }
        }
        if (-not ($args -contains '/r')) { $global:LASTEXITCODE = 87; return }
        if ($global:lab.restart) { $global:LASTEXITCODE = 1190; return }
        Set-LabRestart $delay $comment
        $global:LASTEXITCODE = 0
    }

    function global:Restart-Computer { param($ComputerName, [switch]$Force) Set-LabRestart 0 'Restart-Computer' }

    function global:Get-Service {
        param($Name)
        Update-Lab
        foreach ($one in $global:lab.services) {
            if ($Name -and -not (@($Name) | Where-Object { $one.name -like $_ })) { continue }
            New-Object -TypeName PSObject -Property @{ Name = $one.name; ServiceName = $one.name; DisplayName = $one.display_name; Status = $one.state.Replace(' ', '') }
        }
    }

    function global:Start-Service {
        param($Name)
        $service = Get-LabService $Name
        if ($service -eq $null) { throw "Cannot find any service with service name '$Name'." }
        if ($service.state -ne 'Stopped') { return }
        $code = (New-LabServiceObject $service).StartService().ReturnValue
        if ($code -ne 0) { throw "Service '$($service.display_name) ($Name)' cannot be started (error $($service.exit_code))." }
    }

    function global:Stop-Service {
        param($Name, [switch]$Force)
        $service = Get-LabService $Name
        if ($service -eq $null) { throw "Cannot find any service with service name '$Name'." }
        if ($service.state -ne 'Running') { return }
        $code = (New-LabServiceObject $service).StopService().ReturnValue
        if ($code -ne 0) { throw "Service '$($service.display_name) ($Name)' cannot be stopped." }
    }

    function global:Set-Service {
        param($Name, $StartupType)
        $service = Get-LabService $Name
        if ($service -eq $null) { throw "Service '$Name' was not found on computer '.'." }
        if ($StartupType) { (New-LabServiceObject $service).ChangeStartMode($StartupType) | Out-Null }
    }

    # Connections stay inside the lab: a port is open where a running service listens.
    $global:labNewObject = Get-Command -Name New-Object -CommandType Cmdlet
    function global:New-Object {
        if ($global:lab.network -ne $null -and $args -contains 'Net.Sockets.TcpClient') { return New-LabClient }
        & $global:labNewObject @args
    }

    function global:Get-LabConnection($Computer, $Port) {
        if ('localhost', '127.0.0.1', '.', $global:lab.name, ($global:lab.name + '.' + $global:lab.domain) -contains $Computer) {
            Update-Lab
            foreach ($one in $global:lab.services) { if ($one.state -eq 'Running' -and @($one.listens) -contains $Port) { return 0 } }
            return 10061
        }
        foreach ($one in $global:lab.network) {
            if (@($one.names) -contains $Computer) {
                if (-not $one.up -or @($one.blocked) -contains $Port) { return 10060 }
                if (@($one.open) -contains $Port) { return 0 }
                return 10061
            }
        }
        11001
    }

    function global:New-LabClient {
        $client = & $global:labNewObject -TypeName PSObject
        Add-Member -InputObject $client -MemberType ScriptMethod -Name BeginConnect -Value {
            param($Computer, $Port, $Callback, $State)
            $code = Get-LabConnection $Computer $Port
            $handle = & $global:labNewObject -TypeName PSObject -Property @{ Code = $code }
            Add-Member -InputObject $handle -MemberType ScriptMethod -Name WaitOne -Value {
                param($Milliseconds, $Leave)
                if ($this.Code -ne 10060) { return $true }
                $global:lab.now = [double]$global:lab.now + $Milliseconds / 1000
                $false
            }
            & $global:labNewObject -TypeName PSObject -Property @{ AsyncWaitHandle = $handle; Code = $code }
        }
        Add-Member -InputObject $client -MemberType ScriptMethod -Name EndConnect -Value {
            param($Pending)
            if ($Pending.Code -ne 0) { throw (& $global:labNewObject -TypeName Net.Sockets.SocketException -ArgumentList $Pending.Code) }
        }
        Add-Member -InputObject $client -MemberType ScriptMethod -Name Close -Value { }
        $client
    }

    # The product's modules: importing one needs no more than its file, which the payload looked for.
    $global:labImportModule = Get-Command -Name Import-Module -CommandType Cmdlet
    function global:Import-Module {
        if (($args -join ' ') -match 'System\.Center\.Service\.Manager|EnterpriseManagement\.Warehouse') { return }
        & $global:labImportModule @args
    }

    function global:Get-LabProduct {
        $service = Get-LabService 'OMSDK'
        if ($service -eq $null -or $service.state -ne 'Running' -or $global:lab.product -eq $null) { throw $global:lab.not_yet }
        $global:lab.product
    }

    function global:Get-LabPack {
        $product = Get-LabProduct
        if ($product.packs -eq $null) { throw $global:lab.not_yet }
        @($product.packs | Where-Object { $_ -ne $null })
    }

    function global:Get-SCSMManagementPack {
        foreach ($one in @(Get-LabPack)) {
            New-Object -TypeName PSObject -Property @{ Name = $one.name; Version = [version]$one.version; Sealed = [bool]$one.sealed; Xml = $one.xml }
        }
    }

    function global:Export-SCSMManagementPack {
        param($Path)
        $folder = (Get-Item -LiteralPath $Path).FullName
        foreach ($one in $input) { [IO.File]::WriteAllText([IO.Path]::Combine($folder, $one.Name + '.xml'), $one.Xml) }
    }

    function global:Import-SCSMManagementPack {
        param($Fullname)
        $known = @(Get-LabPack)
        $document = New-Object -TypeName Xml.XmlDocument
        $identity = $null
        try {
            $document.Load((Get-Item -LiteralPath $Fullname).FullName)
            $identity = $document.SelectSingleNode('/ManagementPack/Manifest/Identity[ID and Version]')
        } catch { $identity = $null }
        if ($identity -eq $null) { throw 'The file is no management pack.' }
        $name = $identity.SelectSingleNode('ID').InnerText
        $names = @($known | ForEach-Object { $_.name })
        $references = @($document.SelectNodes('/ManagementPack/Manifest/References/Reference/ID') | ForEach-Object { $_.InnerText })
        foreach ($one in $references) {
            if (-not ($names -contains $one)) { throw "The management pack $name builds on $one, which is not there." }
        }
        $pack = @{ name = $name; version = $identity.SelectSingleNode('Version').InnerText; sealed = $false; references = $references; xml = $document.OuterXml }
        $global:lab.product.packs = @($known | Where-Object { $_.name -ne $name }) + @($pack)
        Save-Lab
    }

    function global:Get-SCDWJob {
        foreach ($one in @((Get-LabProduct).jobs)) {
            $status = 'Not Started'
            if ([double]$global:lab.now -lt [double]$one.until) { $status = 'Running' }
            New-Object -TypeName PSObject -Property @{ Name = $one.name; Status = $status }
        }
    }

    function global:Get-SCDWJobSchedule {
        foreach ($one in @((Get-LabProduct).jobs | Where-Object { $_.scheduled -ne $null })) {
            New-Object -TypeName PSObject -Property @{ Name = $one.name; ScheduleEnabled = [bool]$one.scheduled }
        }
    }

    function global:Set-LabSchedule($Name, $On) {
        $found = @((Get-LabProduct).jobs | Where-Object { $_.name -eq $Name -and $_.scheduled -ne $null })
        if ($found.Count -eq 0) { throw "There is no schedule of a job $Name." }
        $found[0].scheduled = $On
        Save-Lab
    }

    function global:Enable-SCDWJobSchedule { param($JobName) Set-LabSchedule $JobName $true }

    function global:Disable-SCDWJobSchedule { param($JobName) Set-LabSchedule $JobName $false }

    function global:ConvertTo-LabData($Kind, $Data) {
        switch ($Kind) {
            'Binary' { return (@($Data | Where-Object { $_ -ne $null } | ForEach-Object { $_.ToString('x2') }) -join '') }
            'DWord' { return [BitConverter]::ToUInt32([BitConverter]::GetBytes([int]$Data), 0) }
            'QWord' { return [BitConverter]::ToUInt64([BitConverter]::GetBytes([long]$Data), 0) }
            'MultiString' { return , [object[]]@($Data) }
        }
        $Data
    }

    # In a session of its own the state is left in a file after every change; ConvertTo-RbJson is the interpreter's.
    function global:Save-Lab {
        if (-not $global:lab.save_to) { return }
        [IO.File]::WriteAllText($global:lab.save_to, (ConvertTo-RbJson (Export-LabState)))
    }

    function global:Export-LabState {
        Update-Lab
        $services = @($global:lab.services | ForEach-Object {
                @{
                    name = $_.name; state = $_.state; start_mode = $_.start_mode; exit_code = $_.exit_code
                    process_id = $_.process_id; since = $_.since
                }
            })
        @{ services = $services; product = $global:lab.product; logs = @($global:lab.logs); restart = $global:lab.restart; now = $global:lab.now }
    }

    # What the machine holds now, for the lab to take over.
    function global:Export-Lab {
        $keys = @()
        foreach ($key in @(Get-ChildItem -LiteralPath 'HKLM:\' -Recurse)) {
            $values = @()
            foreach ($name in $key.GetValueNames()) {
                $kind = $key.GetValueKind($name).ToString()
                $data = $key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
                $values += @{ name = $name; kind = $kind; data = (ConvertTo-LabData $kind $data) }
            }
            $keys += @{ path = $key.Name.Replace('HKEY_LOCAL_MACHINE', 'HKLM'); values = $values }
        }
        $state = Export-LabState
        $state.registry = $keys
        $state
    }
    $global:labReady = $true
}
@{ ready = $true }
