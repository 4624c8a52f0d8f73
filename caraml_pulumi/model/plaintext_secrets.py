"""Secrets in plain text: which values of variables and words of commands look like credentials.

Three things give a credential away: the form that its issuer gave it, a name that says it is one, and a place that has
room for nothing else, such as the part of a URL before the ``@``. A random text under an ordinary name is none: hashes,
identifiers and digests look alike. What is found is said by its kind; values never leave this module.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import log2
from typing import Final

from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model.spec import within

_ISSUED: Final = {
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{36}",
    "a GitLab token": r"gl(?:pat|dt|ft|rt|soat|ptt|agent|oas|imt|cbt)-[\w-]{20}",
    "an AWS access key": r"A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}(?![A-Za-z0-9])",
    "a Google API key": r"AIza[\w-]{35}",
    "a Google client secret": r"GOCSPX-[\w-]{28}",
    "a Slack token": r"xox[abpors]-[A-Za-z0-9-]{10}|xapp-\d-[A-Z0-9]+-\d+-[a-f0-9]+",
    "a Slack webhook": r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{30}",
    "a Stripe key": r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10}",
    "an OpenAI key": r"sk-(?:(?:proj|svcacct|admin)-)?[\w-]{20,200}T3BlbkFJ[\w-]{20}",
    "an Anthropic key": r"sk-ant-[a-z]+\d\d-[\w-]{80}",
    "a Hugging Face token": r"hf_[A-Za-z0-9]{34}|api_org_[A-Za-z0-9]{34}",
    "a Replicate token": r"r8_[A-Za-z0-9]{37}",
    "a Groq key": r"gsk_[A-Za-z0-9]{52}",
    "a LangSmith key": r"lsv2_[a-z]{2}_[a-f0-9]{32}_[a-f0-9]{10}",
    "a Databricks token": r"dapi[a-f0-9]{32}",
    "a Pulumi token": r"pul-[a-f0-9]{40}",
    "an npm token": r"npm_[A-Za-z0-9]{36}",
    "a PyPI token": r"pypi-AgE[\w-]{50}",
    "a Docker Hub token": r"dckr_[a-z]{3}_[\w-]{27}",
    "a DigitalOcean token": r"do[opr]_v1_[a-f0-9]{64}",
    "a Grafana token": r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32}",
    "a New Relic key": r"NRAK-[A-Z0-9]{27}",
    "a SendGrid key": r"SG\.[\w-]{22}\.[\w-]{43}",
    "a Twilio key": r"SK[a-f0-9]{32}(?![A-Za-z0-9])",
    "a Vault token": r"hv[bs]\.[\w-]{24}",
    "a Telegram token": r"\d{8,10}:AA[\w-]{33}",
    "an Azure client secret": r"[A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31}",
    "an Azure storage key": r"AccountKey=[A-Za-z0-9+/]{86}==",
    "an age key": r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    "a JSON Web Token": r"eyJ[\w-]{10,1000}\.eyJ[\w-]{10,4000}\.[\w-]{10}",
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
}
"""The forms of credentials whose issuers mark them, by what a message calls them (the issuers' documentation)."""
_ANY_ISSUED: Final = re.compile(f"(?<![A-Za-z0-9])(?:{'|'.join(_ISSUED.values())})", re.ASCII)
_EACH_ISSUED: Final = {kind: re.compile(pattern, re.ASCII) for kind, pattern in _ISSUED.items()}
_SHORTEST: Final = 16
"""Nothing shorter is taken for an issuer's credential, or for random."""

_USERINFO: Final = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/?#:@\"']{0,200}|[\w.-]{1,64}(?=:[^\s@]{1,200}@(?:tcp|unix)\())"
    r":([^\s/?#@\"']{1,1000})@"
)
"""A user and a password in a URL, or in a data source of Go: ``iris:…@tcp(db:3306)/iris``."""
_HEADER: Final = re.compile(r"\b(?:Bearer|Basic|Token)\s+([A-Za-z0-9+/=_.~-]{16,})")
_ASSIGNED: Final = re.compile(r"([A-Za-z][\w.-]{0,80})(?:[\"']\s*:\s*[\"']([^\"']+)|=[\"']?([^\s\"';&,]+))")
_HINTS: Final = ("pass", "pw", "token", "secret", "key", "credential", "auth", "salt", "cookie", "signature")
"""Every name that says its value is a secret has one of them; to look for them is quick, also in a whole dashboard."""
_ELSEWHERE: Final = re.compile(
    r"\$[({]|\{\{|%\(|^\$+\w+$|^<.*>$|^\[.*\]$|^ENC\[|^arn:|^sha\d+[:-]|^md5[:-]|^projects/[^/]+/secrets/"
    r"|^(?:vault|ssm|awssm|gcpsm|azurekv|keyvault|op|env|file|secret|secretref|k8s|ref\+\w+):"
    r"|^[A-Za-z][A-Za-z0-9+.-]*://|^(?:\.{0,2}|~)/[\w.@-]+(?:/[\w.@-]+)*/?$"
)
"""What stands for a value that is elsewhere (a variable, a template, a file, a secret in a store), or is encrypted, or
the digest of something."""
_OBJECT: Final = re.compile(r"^[a-z][a-z_-]+/|\.[a-z][a-z0-9]{1,4}$")
"""The key of an object in a bucket, or the name of a file."""
_MASKED: Final = re.compile(r"(?i)[*x.•_-]*|redacted|masked|hidden|.*example(?:key)?")
_SWITCH: Final = re.compile(
    r"(?i)true|false|yes|no|on|off|none|null|nil|enabled|disabled|required|optional|auto|prompt|stdin"
)
_SHORT_NUMBER: Final = re.compile(r"[-+]?[0-9.,]{1,5}")
"""A length, a count or a port; longer ones are passwords where the name says so."""
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PASSWORDS: Final = ("PASSWORD", "PASSWD", "PASSPHRASE", "PASSCODE")
"""Ends of names whose value people choose, so that it need not look random."""
_OWN_PASSWORD: Final = re.compile(
    r"(?:DB|DATABASE|USER|ROOT|ADMIN|REDIS|MYSQL|PG|POSTGRES|POSTGRESQL|MONGO|MONGODB|KAFKA|RABBITMQ|AMQP|MQ|SMTP|MAIL|LDAP"
    r"|SSH|FTP|HTTP|PROXY|AUTH|LOGIN|MINIO|ELASTIC|CLICKHOUSE|SNOWFLAKE|REGISTRY|SASL) (?:PWD|PASS|PW)"
)
"""Ends of names with a short word for it, which means something else without an owner: `COMPILER_PASS`, `PWD`."""
_RANDOM: Final = ("TOKEN", "SECRET", "KEY", "CREDENTIAL", "CREDENTIALS", "AUTH", "SALT", "COOKIE", "SIGNATURE")
"""Ends of names whose value is a credential if it looks random; else it is what one is called, or a key to a map."""
_NO_SECRET: Final = re.compile(r"PUBLIC|PUBLISHABLE|PUB|CACHE|IDEMPOTENCY")
_QUALIFIER: Final = re.compile(r"VALUE|PLAIN|PLAINTEXT|BASE|B|PROD|PRODUCTION|STAGING|DEV|TEST|OLD|NEW|CURRENT|DEFAULT")
"""What may follow the word that says what it is: `API_KEY_PROD`."""

_ONE_TEXT: Final = re.compile(r"[^\s\"'(){}\[\]<>,;]{16,}")
_CHUNK: Final = re.compile(r"[A-Za-z0-9+/!#$%&*?@^~]{16,}")
_CHANGE: Final = re.compile(
    r"(?<=[0-9])[A-Za-z]|(?<=[A-Za-z])[0-9]|(?<=[a-z])[A-Z]|(?<=[A-Za-z0-9])[!#$%&*?@^~]|(?<=[!#$%&*?@^~])[A-Za-z0-9]"
)
_LEAST_CHANGES: Final = 0.25
"""Changes between digits, small and capital letters and signs for each character: random texts have 0.4 or more."""
_LEAST_ENTROPY: Final = 2.75
"""Bits for each character; random texts of 16 hexadecimal digits have 3.3, repetitions less."""


def no_plaintext_secret(name: str, value: str) -> None:
    """Refuse a variable whose value looks like a credential, as it is or under that name.

    Raises `CaramlError` with the name and the kind, and without a trace of the value.
    """
    _refuse(name, secret_kind(name, value))


def no_plaintext_secrets_in_command(words: Sequence[str]) -> None:
    """Refuse a command with a credential in it: by its form, or after a flag whose name says so, such as ``--api-key``.

    Raises `CaramlErrors`, each located by the place of the word.
    """
    errors: list[CaramlError] = []
    flag = ""
    for index, word in enumerate(words):
        is_flag = word.startswith("-")
        try:
            with within(index):
                _refuse("a word of the command", secret_kind("" if is_flag else flag, word))
        except CaramlError as error:
            errors.append(error)
        flag = word if is_flag and "=" not in word else ""
    if errors:
        raise CaramlErrors(errors)


def _refuse(subject: str, kind: str) -> None:
    if kind:
        raise CaramlError(
            f"{subject} looks like {kind}",
            allowed="plain text that is no secret, or a reference to a Secret",
            fix="keep it in a Secret (secrets or secretRefs of a component, valueFrom.secretKeyRef of a container); if "
            "it was real, have it renewed, for the state knows it",
        )


def secret_kind(name: str, value: str) -> str:
    """Which kind of credential `value` looks like under `name`, such as "a GitHub token"; empty if like none.

    Not taken for one: references and templates, paths, URLs without a password, ARNs, digests, UUIDs, switches, short
    numbers, masks, and any text under a name that does not say it is a secret.
    """
    if len(value) >= _SHORTEST:
        for found in _ANY_ISSUED.finditer(value):
            if not _MASKED.fullmatch(found.group()):
                return next(kind for kind, pattern in _EACH_ISSUED.items() if pattern.match(found.group()))
    if "@" in value and any(not _is_elsewhere(password) for password in _USERINFO.findall(value)):
        return "a URL with a password"
    if kind := _kind_under(name, value):
        return kind
    if " " in value and any(_looks_random(token) for token in _HEADER.findall(value)):
        return "the credentials of a request"
    if ("=" in value or ":" in value) and _has_hint(value):
        for inner, quoted, plain in _ASSIGNED.findall(value):
            if kind := _kind_under(inner, quoted or plain):
                return f"it has {kind} in it"
    return ""


def _has_hint(value: str) -> bool:
    lower = value.lower()
    return any(hint in lower for hint in _HINTS)


def _kind_under(name: str, value: str) -> str:
    """What `value` is because its name says so."""
    word = _secret_word(name)
    if not word or _SWITCH.fullmatch(value) or _is_elsewhere(value):
        return ""
    if word == "password":
        return "" if _SHORT_NUMBER.fullmatch(value) else "a password"
    return f"{'an' if word == 'auth' else 'a'} {word}" if _looks_random(value) else ""


@lru_cache(maxsize=4096)
def _secret_word(name: str) -> str:
    """The kind of secret that a name says it is, by its last word: `OPENAI_API_KEY` is a key; empty if it says none."""
    words = [word.upper() for word in _WORDS.findall(name)]
    while words and _QUALIFIER.fullmatch(words[-1]):
        words.pop()
    if not words or any(map(_NO_SECRET.fullmatch, words)):
        return ""
    last = words[-1]
    if last.endswith(_PASSWORDS) or _OWN_PASSWORD.fullmatch(" ".join(words[-2:])):
        return "password"
    return next((word.lower() for word in _RANDOM if last.endswith(word)), "")


def _is_elsewhere(value: str) -> bool:
    return bool(_ELSEWHERE.search(value) or _MASKED.fullmatch(value))


def _looks_random(value: str) -> bool:
    """Whether a text has a part that nobody would write: many changes of kinds of characters, hardly any repeated."""
    if not _ONE_TEXT.fullmatch(value) or _UUID.fullmatch(value) or _OBJECT.search(value):
        return False
    return any(
        len(_CHANGE.findall(chunk)) >= _LEAST_CHANGES * (len(chunk) - 1) and _entropy(chunk) >= _LEAST_ENTROPY
        for chunk in _CHUNK.findall(value)
    )


def _entropy(text: str) -> float:
    """Shannon's entropy in bits for each character."""
    return sum(-count / len(text) * log2(count / len(text)) for count in Counter(text).values())
