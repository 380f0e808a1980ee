"""Every label of version 1: one purpose each, at most 16 bytes, padded with zeros where it is used.

A changed label changes every key beneath it: old data could not be opened. Labels are only ever added.
"""

from __future__ import annotations

from typing import Final

PASSWORD_SALT: Final = b"mega1/pw/salt"
PASSWORD_2SKD: Final = b"mega1/pw/2skd"
PASSWORD_LOGIN: Final = b"mega1/pw/login"
PASSWORD_WRAP: Final = b"mega1/pw/wrap"
RECOVERY_LOGIN: Final = b"mega1/rk/login"
RECOVERY_WRAP: Final = b"mega1/rk/wrap"

MASTER_IDENTITY_SIGN: Final = b"mega1/mk/idsign"
MASTER_IDENTITY_BOX: Final = b"mega1/mk/idbox"
MASTER_LOCAL: Final = b"mega1/mk/local"
MASTER_HOME_ID: Final = b"mega1/mk/homeid"
MASTER_HOME: Final = b"mega1/mk/home"
LOCAL_CHUNK: Final = b"mega1/lk/chunk"

VOLUME_ROOT_ENC: Final = b"mega1/vk/rootenc"
VOLUME_ROOT_SIG: Final = b"mega1/vk/rootsig"
VOLUME_DEDUP: Final = b"mega1/vk/dedup"
VOLUME_CDC: Final = b"mega1/vk/cdc"
VOLUME_PAGE: Final = b"mega1/vk/page"
VOLUME_LINK: Final = b"mega1/vk/link"

LINK_SALT: Final = b"mega1/link/salt"
LINK_PASSWORD: Final = b"mega1/link/pw"
LINK_KEY: Final = b"mega1/link/key"
LINK_AUTH: Final = b"mega1/link/auth"
LINK_RECORD: Final = b"mega1/link/rec"

RECORD_COMMIT: Final = b"mega1/rec/commit"
RECORD_ENC: Final = b"mega1/rec/enc"

BLOB_KEY: Final = b"mega1/blob/key"
BLOB_COMMIT: Final = b"mega1/blob/com"
BLOB_ENC: Final = b"mega1/blob/enc"

SIGN_ROOT: Final = b"mega1/sig/root"
SIGN_LOGIN: Final = b"mega1/sig/login"
SIGN_IDCERT: Final = b"mega1/sig/idcert"
SIGN_LINK: Final = b"mega1/sig/link"

ALL: Final = (
    PASSWORD_SALT,
    PASSWORD_2SKD,
    PASSWORD_LOGIN,
    PASSWORD_WRAP,
    RECOVERY_LOGIN,
    RECOVERY_WRAP,
    MASTER_IDENTITY_SIGN,
    MASTER_IDENTITY_BOX,
    MASTER_LOCAL,
    MASTER_HOME_ID,
    MASTER_HOME,
    LOCAL_CHUNK,
    VOLUME_ROOT_ENC,
    VOLUME_ROOT_SIG,
    VOLUME_DEDUP,
    VOLUME_CDC,
    VOLUME_PAGE,
    VOLUME_LINK,
    LINK_SALT,
    LINK_PASSWORD,
    LINK_KEY,
    LINK_AUTH,
    LINK_RECORD,
    RECORD_COMMIT,
    RECORD_ENC,
    BLOB_KEY,
    BLOB_COMMIT,
    BLOB_ENC,
    SIGN_ROOT,
    SIGN_LOGIN,
    SIGN_IDCERT,
    SIGN_LINK,
)
