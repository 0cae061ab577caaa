"""What the owner of a board wants in its image: name, network, keys, time zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgebot.core.errors import UsageError
from edgebot.deploy.image_root import Root

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the owner of the board wants on it."""

    hostname: str = ""
    ssh_key: str = ""
    """One line of a public key file."""

    wifi: str = ""
    wifi_password: str = ""
    country: str = ""
    """Two letters; the radio keeps to its rules."""

    time_zone: str = ""
    user: str = "root"
    """Whose ``authorized_keys`` the key goes to."""

    def check(self) -> None:
        """Raise ``UsageError`` for what no board can take."""
        if self.hostname and not _HOST.fullmatch(self.hostname):
            raise UsageError(f"{self.hostname!r} is no host name; letters, digits and hyphens")
        if self.ssh_key and not re.match(r"(ssh|ecdsa|sk-)[\w@.-]+ [A-Za-z0-9+/=]+", self.ssh_key):
            raise UsageError("the ssh key is no public key; name the file that ends in .pub")
        if self.wifi and not 8 <= len(self.wifi_password) <= 63:
            raise UsageError("a Wi-Fi password has 8 to 63 characters")
        if "\n" in self.wifi + self.wifi_password:
            raise UsageError("neither a network's name nor its password has two lines")
        if self.country and not re.fullmatch("[A-Z]{2}", self.country):
            raise UsageError(f"{self.country!r} is no country; two letters, such as DE")


def settle(staging: Path, root: Root, wishes: Wishes) -> None:
    """Write the owner's wishes and the service's user below ``staging``."""

    def file(path: str, text: str, mode: int = 0o644) -> None:
        place = staging / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    _user(root, file)
    if wishes.hostname:
        file("etc/hostname", wishes.hostname + "\n")
        hosts = (root.read("/etc/hosts") or b"127.0.0.1 localhost\n").decode()
        kept = [line for line in hosts.splitlines() if not line.startswith("127.0.1.1")]
        file("etc/hosts", "\n".join([*kept, f"127.0.1.1 {wishes.hostname}"]) + "\n")
    if wishes.time_zone:
        zone = f"/usr/share/zoneinfo/{wishes.time_zone}"
        if ".." in wishes.time_zone or root.read_kind(zone) not in ("regular", "symlink"):
            raise UsageError(f"the image knows no time zone {wishes.time_zone!r}")
        file("etc/timezone", wishes.time_zone + "\n")
        (staging / "etc/localtime").symlink_to(zone)
    if wishes.wifi:
        file(
            "etc/NetworkManager/system-connections/edgebot-wifi.nmconnection",
            "[connection]\nid=edgebot-wifi\ntype=wifi\n\n"
            f"[wifi]\nmode=infrastructure\nssid={wishes.wifi}\n\n"
            f"[wifi-security]\nkey-mgmt=wpa-psk\npsk={wishes.wifi_password}\n\n"
            "[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n",
            0o600,
        )
    if wishes.country:
        rule = f"options cfg80211 ieee80211_regdom={wishes.country}\n"
        file("etc/modprobe.d/edgebot-wifi.conf", rule)
    if wishes.ssh_key:
        _ssh_key(staging, root, wishes, file)


def _ssh_key(staging: Path, root: Root, wishes: Wishes, file: Callable[..., None]) -> None:
    users = {line.partition(":")[0] for line in _lines(root, "/etc/passwd")}
    if wishes.user not in users:
        raise UsageError(f"the image has no user {wishes.user!r}; name another one (--user)")
    # Keys in /etc work for every user, whoever owns the home, and survive its being made later.
    file(f"etc/ssh/authorized_keys.d/{wishes.user}", wishes.ssh_key.strip() + "\n")
    file(
        "etc/ssh/sshd_config.d/50-edgebot.conf",
        "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u\n",
    )
    wants = staging / "etc/systemd/system/multi-user.target.wants/ssh.service"
    wants.parent.mkdir(parents=True, exist_ok=True)
    wants.symlink_to("/lib/systemd/system/ssh.service")


def _user(root: Root, file: Callable[..., None]) -> None:
    """The user of the service: systemd-sysusers does not run at every first boot."""
    passwd, group = _lines(root, "/etc/passwd"), _lines(root, "/etc/group")
    if not passwd or any(line.startswith("edgebot:") for line in passwd):
        return
    taken = {int(line.split(":")[2]) for line in (*passwd, *group) if line.count(":") > 2}
    number = next(n for n in range(989, 200, -1) if n not in taken)
    fields = ("edgebot", "!", number, number, "edgebot voice assistant", "/var/lib/edgebot")
    passwd.append(":".join(map(str, (*fields, "/usr/sbin/nologin"))))
    group = [
        f"{line}{'' if line.endswith(':') else ','}edgebot" if line.startswith("audio:") else line
        for line in group
    ]
    group.append(f"edgebot:x:{number}:")
    file("etc/passwd", "\n".join(passwd) + "\n")
    file("etc/group", "\n".join(group) + "\n")


def _lines(root: Root, path: str) -> list[str]:
    return (root.read(path) or b"").decode(errors="replace").splitlines()
