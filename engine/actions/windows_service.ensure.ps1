param($Arguments)
# Gives one service the start mode and the state that are asked for, and waits for the state.
$ErrorActionPreference = 'Stop'
$name = $Arguments.name

function Get-Named {
    $found = Get-WmiObject -Class Win32_Service -Filter "Name='$name'"
    if ($found -eq $null) { throw "There is no service $name on this computer." }
    $found
}

function Get-Reason($Code) {
    $texts = @{
        2 = 'the file of the service was not found'
        5 = 'access is denied'
        1051 = 'other running services depend on it'
        1053 = 'the service did not respond in time'
        1058 = 'the service is disabled'
        1068 = 'a service that it depends on failed to start'
        1069 = 'the account of the service could not log on'
        14001 = 'its configuration file is not valid'
    }
    $number = [long]$Code
    # A service of .NET ends with an HRESULT, which is too large for an int and known by its hexadecimal digits.
    if ($number -gt 65535) { return ("error $number (0x" + $number.ToString('X8') + ')') }
    $text = $texts[[int]$number]
    if ($text) { "error $number, $text" } else { "error $number" }
}

# WMI has return values of its own; people and logs know the errors of the Service Control Manager.
function Get-Refusal($ReturnValue, $ExitCode) {
    $known = @{ 2 = 5; 3 = 1051; 5 = 1061; 6 = 1062; 7 = 1053; 9 = 2; 10 = 1056; 11 = 1055; 13 = 1068; 14 = 1058; 15 = 1069; 16 = 1072 }
    $number = [long]$ReturnValue
    if ($number -le 65535 -and $known.ContainsKey([int]$number)) { return (Get-Reason $known[[int]$number]) }
    # 0 and 1077 (not started since the boot) tell nothing of this attempt.
    if ($ExitCode -ne 0 -and $ExitCode -ne 1077) { return (Get-Reason $ExitCode) }
    "WMI returned $number"
}

function Wait-State($Wanted, $Pending) {
    for ($waited = 0; ; $waited++) {
        $now = Get-Named
        if (@($Wanted) -contains $now.State) { return }
        if (-not (@($Pending) -contains $now.State)) { throw "The service $name ended as $($now.State): $(Get-Reason $now.ExitCode)." }
        if ($waited -ge $Arguments.timeout_s) { throw "The service $name is still $($now.State) after $($Arguments.timeout_s) s." }
        Start-Sleep -Seconds 1
    }
}

if ($Arguments.start_mode) {
    $code = (Get-Named).ChangeStartMode($Arguments.start_mode).ReturnValue
    if ($code -ne 0) { throw "The start mode of $name could not be set: $(Get-Refusal $code 0)." }
}
if ($Arguments.state -eq 'running') {
    if ((Get-Named).State -eq 'Stopped') {
        $code = (Get-Named).StartService().ReturnValue
        if ($code -ne 0) { throw "The service $name did not start: $(Get-Refusal $code ((Get-Named).ExitCode))." }
    }
    Wait-State 'Running' 'Start Pending'
}
if ($Arguments.state -eq 'stopped') {
    if ((Get-Named).State -eq 'Start Pending') { Wait-State 'Running', 'Stopped' 'Start Pending' }
    if ((Get-Named).State -eq 'Running') {
        $code = (Get-Named).StopService().ReturnValue
        if ($code -ne 0) { throw "The service $name did not stop: $(Get-Refusal $code ((Get-Named).ExitCode))." }
    }
    # A service may tell that it is stopping only some moments after it was asked to.
    Wait-State 'Stopped' 'Stop Pending', 'Running'
}
$end = Get-Named
@{ name = $end.Name; state = $end.State; start_mode = $end.StartMode }
