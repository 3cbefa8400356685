# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references.

Source: grammar and normalisation of github.com/distribution/reference v0.6.0 (``reference.go``, ``regexp.go``,
``normalize.go``), which containerd 2.2.1, nerdctl 2.2.1 and BuildKit 0.26.3 use. One rule is stricter here: domain and
path together are limited to 255 characters, as buildah and most registries do, where v0.6.0 counts the path alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import HEX_LENGTHS, Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
NAME_LENGTH_MAX = 255
TAG_LENGTH_MAX = 128

_LEGACY_DEFAULT_DOMAIN = "index.docker.io"
_OFFICIAL_PREFIX = "library/"
_LONGEST = NAME_LENGTH_MAX + len(":") + TAG_LENGTH_MAX + len("@sha512:") + max(HEX_LENGTHS.values())

_DOMAIN_COMPONENT = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_IPV6 = r"\[[A-Fa-f0-9:]+\]"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*|{_IPV6})(?::[0-9]+)?")
_PATH_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_TAG = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{TAG_LENGTH_MAX - 1}}}")
_BARE_IMAGE_ID = re.compile(r"[a-f0-9]{64}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

_EXPECTED = "[domain[:port]/]path[:tag][@digest], such as alpine:3.22 or registry.example.org:5000/team/app:1.0"
_EXPECTED_PATH = (
    "a path of lower-case letters and digits, with single '.' or '_', '__' or hyphens between them, "
    "and '/' between its components"
)
_EXPECTED_TAG = (
    f"1 to {TAG_LENGTH_MAX} characters: letters, digits, '_', '.' and '-', and neither '.' nor '-' at the beginning"
)


@dataclass(frozen=True)
class Reference:
    """A fully qualified image reference: it has a domain, a path, and a tag, a digest or both.

    Construct with :meth:`parse`, :meth:`with_tag` and :meth:`with_digest`.
    """

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    def __post_init__(self) -> None:
        if self.tag is None and self.digest is None:
            object.__setattr__(self, "tag", DEFAULT_TAG)
        self._validate()

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse a reference as a person writes it and normalise it: ``alpine`` is ``docker.io/library/alpine:latest``.

        The part before the first ``/`` is a domain if it is ``localhost``, holds a ``.``, a ``:`` or an upper-case
        letter; everything else is a path on docker.io. ``index.docker.io`` is docker.io.

        Raises:
            InvalidInput: *text* is not a reference by the grammar, or is an image's bare id.
        """
        _reject_what_no_reference_holds(text)
        rest, at, digest_text = text.partition("@")
        digest = _parse_digest(text, digest_text) if at else None
        domain, remainder = _split_domain(rest)
        path, colon, tag = remainder.partition(":")
        return cls(domain, path, tag if colon else None, digest)

    @classmethod
    def parse_tagged(cls, text: str, tag: str) -> Reference:
        """Parse a reference to which *tag* belongs if it has neither a tag nor a digest of its own.

        Raises:
            InvalidInput: *text* is not a reference, or *tag* not a tag.
        """
        given = cls.parse(text)
        untagged = given.digest is None and ":" not in text.rsplit("/", 1)[-1]
        return given.with_tag(tag) if untagged else given

    @property
    def name(self) -> str:
        """Domain and path, without tag and digest."""
        return f"{self.domain}/{self.path}"

    @property
    def containerd_name(self) -> str:
        """The name under which containerd's clients keep the image.

        The CRI plugin and ``reference.ParseDockerRef`` drop the tag of a reference that has a digest too, so that is
        the name by which Kubernetes looks for the image.
        """
        return str(self) if self.digest is None else f"{self.name}@{self.digest}"

    def familiar(self) -> str:
        """Return the short form that Docker's and nerdctl's tables show: ``alpine:latest``.

        Where the short form would be read as another reference (``docker.io/a.b/c``: ``a.b`` looks like a domain), the
        full one is returned; upstream returns the ambiguous form.
        """
        return self._familiar_name() + self._suffix()

    def with_tag(self, tag: str) -> Reference:
        """Return this reference with *tag* in place of its own tag; a digest stays.

        Raises:
            InvalidInput: *tag* is not a valid tag.
        """
        return replace(self, tag=tag)

    def with_digest(self, digest: Digest | str) -> Reference:
        """Return this reference with *digest* in place of its own digest; a tag stays.

        Raises:
            InvalidInput: *digest* is not a valid digest.
        """
        return replace(self, digest=digest if isinstance(digest, Digest) else Digest.parse(digest))

    def __str__(self) -> str:
        return self.name + self._suffix()

    def _familiar_name(self) -> str:
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        for short in (self.path.removeprefix(_OFFICIAL_PREFIX), self.path):
            if _split_domain(short) == (self.domain, self.path):
                return short
        return self.name

    def _suffix(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        return tag if self.digest is None else f"{tag}@{self.digest}"

    def _validate(self) -> None:
        if self.path != self.path.lower():
            raise InvalidInput(
                "The repository name of an image reference must be lower case",
                subject=_shown(self.path),
                expected=_EXPECTED_PATH,
                remedy=f"write {self.path.lower()!r}",
            )
        if not _DOMAIN.fullmatch(self.domain):
            raise InvalidInput(
                "Not a valid registry domain in an image reference",
                subject=_shown(self.domain),
                expected="a host name or an address (IPv6 in brackets), with an optional :port",
            )
        if len(self.name) > NAME_LENGTH_MAX:
            raise InvalidInput(
                "The name of an image reference is too long",
                subject=_shown(self.name),
                expected=f"at most {NAME_LENGTH_MAX} characters for domain and path, this has {len(self.name)}",
            )
        if not all(_PATH_COMPONENT.fullmatch(component) for component in self.path.split("/")):
            raise InvalidInput(
                "Not a valid repository name in an image reference", subject=_shown(self.path), expected=_EXPECTED_PATH
            )
        if self.tag is not None and not _TAG.fullmatch(self.tag):
            raise InvalidInput(
                "Not a valid tag in an image reference", subject=_shown(self.tag), expected=_EXPECTED_TAG
            )


def _reject_what_no_reference_holds(text: str) -> None:
    if not text:
        raise InvalidInput("An image reference must not be empty", expected=_EXPECTED)
    if len(text) > _LONGEST:
        raise InvalidInput(
            "An image reference is too long", subject=_shown(text), expected=f"at most {_LONGEST} characters"
        )
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidInput(
            "An image reference holds white space, a control character or a character outside ASCII",
            subject=_shown(text),
            expected=_EXPECTED,
        )
    if text.startswith("-"):
        raise InvalidInput("An image reference must not begin with '-'", subject=_shown(text), expected=_EXPECTED_PATH)
    if _BARE_IMAGE_ID.fullmatch(text):
        raise InvalidInput(
            "64 hexadecimal digits are an image's id, not a name",
            subject=_shown(text),
            expected=_EXPECTED,
            remedy="give the image a name, or write name@sha256:id for a digest",
        )
    if _SCHEME.match(text):
        raise InvalidInput(
            "An image reference has no scheme",
            subject=_shown(text),
            expected=_EXPECTED,
            remedy=f"write {text.split('://', 1)[1]!r}",
        )


def _parse_digest(text: str, digest_text: str) -> Digest:
    try:
        return Digest.parse(digest_text)
    except InvalidInput as error:
        raise InvalidInput(
            "Not a valid digest in an image reference", subject=_shown(text), expected=error.expected
        ) from error


def _split_domain(rest: str) -> tuple[str, str]:
    first, slash, remainder = rest.partition("/")
    if not slash:
        return DEFAULT_DOMAIN, _OFFICIAL_PREFIX + rest
    if first == _LEGACY_DEFAULT_DOMAIN:
        first = DEFAULT_DOMAIN
    elif first != "localhost" and not set(first) & {".", ":"} and first == first.lower():
        return DEFAULT_DOMAIN, rest
    if first == DEFAULT_DOMAIN and "/" not in remainder:
        remainder = _OFFICIAL_PREFIX + remainder
    return first, remainder


def _shown(text: str) -> str:
    return repr(text if len(text) <= 120 else text[:117] + "...")
