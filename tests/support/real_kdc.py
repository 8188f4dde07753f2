"""A Kerberos realm of its own: MIT's krb5kdc on a loopback address, with all its files in one folder.

Ended by process id. What is missing on this machine for it is told by ``missing``.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

REALM = "CONTOSO.EXAMPLE"
ADDRESS = "127.48.9.1"
PASSWORD = "Gr\u00fcn:Licht 7"
_TOOLS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit", "kdestroy")
_LIBRARIES = {"kerberos": "pykerberos", "gssapi": "gssapi", "krb5": "krb5"}
_SBIN = os.pathsep.join(("/usr/sbin", "/usr/local/sbin"))

_CLIENT = """
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  default_rcache_name = none:
  clockskew = {skew}
  kdc_timesync = 0
  udp_preference_limit = 1
[realms]
  {realm} = {{
    kdc = {address}:{port}
  }}
[domain_realm]
  .contoso.example = {realm}
"""
_SERVER = """
[kdcdefaults]
  kdc_listen = {address}:{port}
  kdc_tcp_listen = {address}:{port}
[realms]
  {realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
    max_life = 10h
  }}
[logging]
  kdc = FILE:{folder}/kdc.log
"""


def missing() -> str:
    """What this machine lacks for a realm, or empty."""
    tools = [one for one in _TOOLS if _tool(one) is None]
    if tools:
        return f"no {', '.join(tools)} here: make kerberos"
    lacking = [package for name, package in _LIBRARIES.items() if importlib.util.find_spec(name) is None]
    return f"no {', '.join(lacking)} here: make kerberos" if lacking else ""


class RealKdc:
    """``environment`` is what a client needs; its ticket cache is ``cache``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.keytab = folder / "keytab"
        self.port = _free_port()
        self._kdc: subprocess.Popen[bytes] | None = None
        self.write_client()
        words = {"realm": REALM, "address": ADDRESS, "port": self.port, "folder": folder}
        (folder / "kdc.conf").write_text(_SERVER.format(**words))
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{self.cache}",
        }
        self.tool("kdb5_util", "create", "-s", "-r", REALM, "-P", "of the realm")

    def write_client(self, *, port: int | None = None, skew: int = 300) -> None:
        words = {"realm": REALM, "address": ADDRESS, "port": port or self.port, "skew": skew}
        (self.folder / "krb5.conf").write_text(_CLIENT.format(**words))

    def user(self, name: str, password: str = PASSWORD) -> None:
        self.tool("kadmin.local", "addprinc", "-pw", password, f"{name}@{REALM}")

    def service(self, name: str, *, known: bool = True) -> None:
        """A principal of a host with its key in the keytab; not ``known``: the KDC holds another key."""
        self.tool("kadmin.local", "addprinc", "-randkey", f"{name}@{REALM}")
        self.tool("kadmin.local", "ktadd", "-k", str(self.keytab), f"{name}@{REALM}")
        if not known:
            self.tool("kadmin.local", "cpw", "-randkey", f"{name}@{REALM}")

    def start(self, *under: str) -> None:
        """``under`` is a command that runs another one, such as faketime."""
        log = (self.folder / "kdc.out").open("ab")
        command = [*under, str(_tool("krb5kdc")), "-n", "-r", REALM, "-P", str(self.folder / "pid")]
        around = {**os.environ, **self.environment}
        self._kdc = subprocess.Popen(command, env=around, stdout=log, stderr=log, start_new_session=True)
        log.close()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self._kdc.poll() is not None:
                break
            with socket.socket() as door:
                if door.connect_ex((ADDRESS, self.port)) == 0:
                    return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError((self.folder / "kdc.out").read_text(errors="replace"))

    def stop(self) -> None:
        kdc, self._kdc = self._kdc, None
        if kdc is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(kdc.pid, signal.SIGTERM)  # its own group: faketime is a parent that hands no signal on
            try:
                kdc.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(kdc.pid, signal.SIGKILL)
                kdc.wait()

    def kinit(self, name: str, *options: str, password: str = PASSWORD) -> None:
        self.tool("kinit", *options, f"{name}@{REALM}", said=password + "\n")

    def kdestroy(self) -> None:
        self.cache.unlink(missing_ok=True)

    def tool(self, name: str, *arguments: str, said: str = "") -> str:
        done = subprocess.run(
            [str(_tool(name)), *arguments],
            env={**os.environ, **self.environment, "LC_ALL": "C.UTF-8"},
            input=said.encode(),
            capture_output=True,
            timeout=30,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name} {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")


def _tool(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=_SBIN)


def _free_port() -> int:
    with socket.socket() as door:
        door.bind((ADDRESS, 0))
        return int(door.getsockname()[1])
