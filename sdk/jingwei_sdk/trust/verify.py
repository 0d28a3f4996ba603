"""Verifying (核验): is what is installed what somebody we believe gave away?"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path, PurePosixPath
from typing import Literal

from jingwei_sdk.errors import JingweiError, Refused
from jingwei_sdk.manifest import MANIFEST_NAME, read_manifest
from jingwei_sdk.plugin import ENTRY_POINT_GROUP
from jingwei_sdk.trust.compiled import FOLDER, strange_compiled
from jingwei_sdk.trust.policy import Policy
from jingwei_sdk.trust.signature import signature_name, signed_statement
from jingwei_sdk.trust.statement import digest_of, hex_digest

State = Literal["signed", "unsigned", "editable", "refused"]
# What installers write into `.dist-info` themselves.
_INSTALLERS = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one installed plugin; ``problems`` say why the policy refuses it.

    ``signer`` is the name of the key that vouches for it, empty when none does.
    """

    plugin: str
    distribution: str
    version: str
    state: State
    signer: str
    problems: tuple[JingweiError, ...]

    @property
    def is_trusted(self) -> bool:
        """Whether the policy has nothing against it."""
        return not self.problems


def verify(policy: Policy, points: Iterable[EntryPoint] | None = None) -> list[Verdict]:
    """Look at every installed plugin, or at those behind ``points``, by id."""
    found = entry_points(group=ENTRY_POINT_GROUP) if points is None else points
    unique = {(point.name, point.value): point for point in found}
    return [verify_one(policy, unique[key]) for key in sorted(unique)]


def verify_one(policy: Policy, point: EntryPoint) -> Verdict:
    """Look at the plugin behind an entry point; nothing of it is imported."""
    installed = point.dist
    if installed is None:
        return Verdict(point.name, "", "", "refused", "", (Refused("TRUST_NOT_INSTALLED"),))
    name, version = installed.metadata["Name"], installed.version
    if _is_editable(installed):
        refusals = (Refused("TRUST_EDITABLE"),) if policy.editable == "refuse" else ()
        return Verdict(point.name, name, version, "editable", "", refusals)
    if installed.files is None:
        # Without the list of its files nothing can be compared, and nobody unpacked it so.
        missing = Refused("TRUST_FILE_MISSING", file="RECORD")
        return Verdict(point.name, name, version, "refused", "", (missing,))
    problems: list[JingweiError] = [*_changed(installed), *_unlisted(installed)]
    problems += _compiled(installed)
    signer = ""
    try:
        signer = _signer(policy, point.name, installed)
    except JingweiError as error:
        problems.append(error)
    problems += _against(policy, installed, point, is_signed=bool(signer))
    state: State = "refused" if problems else "signed" if signer else "unsigned"
    return Verdict(point.name, name, version, state, signer, tuple(problems))


def _is_editable(installed: Distribution) -> bool:
    told = json.loads(installed.read_text("direct_url.json") or "{}")
    return bool(told.get("dir_info", {}).get("editable"))


def _changed(installed: Distribution) -> Iterator[JingweiError]:
    """Files that are not as the installer unpacked them."""
    for file in installed.files or ():
        path = Path(str(installed.locate_file(file)))
        if file.hash is None:
            continue
        if not path.is_file():
            yield Refused("TRUST_FILE_MISSING", file=str(file))
        elif digest_of(path) != hex_digest(f"{file.hash.mode}={file.hash.value}"):
            yield Refused("TRUST_FILE_CHANGED", file=str(file))


def _unlisted(installed: Distribution) -> Iterator[JingweiError]:
    """Files in the packages of a distribution that came from somewhere else."""
    listed = {str(file) for file in installed.files or ()}
    for top, folder in _folders(installed):
        for path in sorted(folder.rglob("*")):
            name = f"{top}/{path.relative_to(folder).as_posix()}"
            is_made_here = FOLDER in path.parts or _is_installers(name)
            if path.is_file() and name not in listed and not is_made_here:
                yield Refused("TRUST_FILE_UNLISTED", file=name)


def _compiled(installed: Distribution) -> Iterator[JingweiError]:
    """Compiled files that would run instead of a source that says something else."""
    for top, folder in _folders(installed):
        for path in strange_compiled(folder):
            yield Refused("TRUST_COMPILED", file=f"{top}/{path.relative_to(folder).as_posix()}")


def _folders(installed: Distribution) -> Iterator[tuple[str, Path]]:
    """The packages of a distribution, with where they lie."""
    names = [str(file) for file in installed.files or ()]
    for top in sorted({name.partition("/")[0] for name in names if "/" in name}):
        folder = Path(str(installed.locate_file(top)))
        if top not in {"..", "."} and folder.is_dir():
            yield top, folder


def _signer(policy: Policy, plugin: str, installed: Distribution) -> str:
    """The name of the signer who is believed about the plugin; empty without a signature."""
    name = signature_name(installed.metadata["Name"], installed.version)
    path = policy.signature_folder / name
    if not path.is_file():
        return ""
    keys = {key.public_key: key for key in policy.keys if key.vouches_for(plugin)}
    statement, used = signed_statement(path, list(keys))
    if (statement.name, statement.version) != (installed.metadata["Name"], installed.version):
        raise Refused("TRUST_OTHER_RELEASE", file=name)
    for file, digest in statement.files.items():
        installed_file = Path(str(installed.locate_file(file)))
        if not installed_file.is_file():
            raise Refused("TRUST_FILE_MISSING", file=file)
        if digest_of(installed_file) != digest:
            raise Refused("TRUST_FILE_CHANGED", file=file)
    _only_what_was_signed(statement.files, installed)
    return keys[used].name


def _only_what_was_signed(signed: Iterable[str], installed: Distribution) -> None:
    known = set(signed)
    for file in installed.files or ():
        name = str(file)
        is_made_here = name.startswith("..") or _is_installers(name)
        if name not in known and not is_made_here and FOLDER not in file.parts:
            raise Refused("TRUST_FILE_UNLISTED", file=name)


def _is_installers(name: str) -> bool:
    path = PurePosixPath(name)
    return path.parent.suffix == ".dist-info" and path.name in _INSTALLERS


def _against(
    policy: Policy, installed: Distribution, point: EntryPoint, *, is_signed: bool
) -> Iterator[JingweiError]:
    """What the policy itself has against a whole plugin."""
    if policy.unsigned == "refuse" and not is_signed:
        yield Refused("TRUST_UNSIGNED")
    names = [str(file) for file in installed.files or ()]
    if policy.without_sbom == "refuse" and not any(".dist-info/sboms/" in name for name in names):
        yield Refused("TRUST_NO_SBOM")
    package = point.value.partition(":")[0].partition(".")[0]
    try:
        manifest = read_manifest(Path(str(installed.locate_file(package))) / MANIFEST_NAME)
    except Refused as error:
        yield error
        return
    for capability in sorted(set(manifest.capabilities) - set(policy.capabilities)):
        yield Refused("TRUST_CAPABILITY", capability=capability.value)
