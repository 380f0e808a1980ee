"""The server as methods: operations over a transport, retried by the policy, answers checked for shape.

Blobs and records come back as hostile bytes: whoever asked verifies them. Nothing here opens or seals anything. An
answer that is well-framed and wrong is an IntegrityError and ends the call; nothing is retried after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress

from mega_cli.api import operations
from mega_cli.api.feed import FEED_WAIT_MOST_S, FeedAnswer, feed_answer
from mega_cli.api.operations import Request, Response, Transport
from mega_cli.api.retry import Retry, RetryableError, RetryPolicy
from mega_cli.errors import IntegrityError, MissingBlobsError, MissingItemError, NotLoggedInError
from mega_cli.model import Secret
from mega_server.protocol import messages
from mega_server.protocol.frames import Absent, read_frames
from mega_server.protocol.ids import BlobId, VolumeId
from mega_server.protocol.limits import IDS_PER_REQUEST, RECORDS_PER_REPLY


class ServerClient:
    """One server, and the session at it. Thread-safe: it holds no state but the token."""

    def __init__(
        self,
        transport: Transport,
        token: Secret | None = None,
        *,
        on_wait: Callable[[str], None] = lambda _reason: None,
        retry: Retry | None = None,
    ) -> None:
        """Take the transport, the session's token, and the listener that is told what a call waits for."""
        self._transport = transport
        self._token = token
        self._retry = retry or Retry(RetryPolicy(), on_wait=on_wait)

    @property
    def base_url(self) -> str:
        """Say where the server is reached."""
        return self._transport.base_url

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def one_try(self) -> ServerClient:
        """Give this client without its patience: whatever fails, fails at once."""
        return ServerClient(self._transport, self._token, retry=Retry(RetryPolicy(attempts=1)))

    # --- accounts -----------------------------------------------------------------------------------------------------

    def server_info(self) -> messages.ServerInfo:
        """Ask who the server is and what it takes."""
        return operations.parse(self._send(operations.server_info()), messages.ServerInfo)

    def kdf(self, account: str) -> messages.KdfParameters:
        """Ask for an account's salt and KDF parameters; unknown accounts get stable fakes. Unchecked."""
        return operations.parse(self._send(operations.kdf(account)), messages.KdfParameters)

    def signup(self, request: messages.SignupRequest) -> None:
        """Make an account, all or nothing."""
        reply = operations.parse(self._send(operations.signup(request)), messages.SignupReply)
        if reply.account != request.account:
            raise IntegrityError

    def challenge(self, account: str) -> bytes:
        """Ask for a nonce of 32 bytes that one login may use once, within 60 s."""
        nonce = operations.parse(self._send(operations.challenge(account)), messages.ChallengeReply).server_nonce
        if len(nonce) != 32:  # noqa: PLR2004 -- the nonce's size
            raise IntegrityError
        return nonce

    def login(self, body: bytes, proof: str) -> messages.LoginReply:
        """Log in with the exact body that `proof` signs. Never retried here: the nonce may be spent."""
        return operations.parse(self._transport.send(operations.login(body, proof)), messages.LoginReply)

    def change_slots(self, body: bytes, proof: str) -> None:
        """Replace login keys and slots. Sent once: the nonce in `proof` may be spent."""
        self._transport.send(operations.change_slots(body, proof), self._bearer())

    def delete_account(self, body: bytes, proof: str) -> None:
        """Delete the account. Sent once, as `change_slots` is."""
        self._transport.send(operations.delete_account(body, proof), self._bearer())

    def end_session(self, session_id: str) -> None:
        """End a session of this account. Raises MissingItemError when there is none of that id."""
        self._send(operations.end_session(session_id))

    def logout(self, session_id: str) -> None:
        """End a session; one that has already ended is fine."""
        with suppress(NotLoggedInError, MissingItemError):
            self.end_session(session_id)

    def pause(self, error: RetryableError, failures: int) -> None:
        """Wait before a request that must be made anew for each try, such as a signed one; or raise `error`."""
        self._retry.pause(error, failures)

    def sessions(self) -> list[messages.SessionInfo]:
        """List the signed-in devices, newest use first."""
        return operations.parse(self._send(operations.sessions()), messages.SessionList).sessions

    def me(self) -> messages.AccountInfo:
        """Ask for quota, used bytes and volumes, as the server tells them."""
        return operations.parse(self._send(operations.me()), messages.AccountInfo)

    # --- the chain ----------------------------------------------------------------------------------------------------

    def head(self, volume: VolumeId) -> bytes:
        """Fetch the newest root record: 746 unverified bytes. MissingItemError when the server says there is none."""
        found = operations.parse_records(self._send(operations.head(volume)), 1)
        if not found:
            raise IntegrityError
        return found[0]

    def records(self, volume: VolumeId, first: int, last: int) -> list[bytes]:
        """Fetch the records `first` to `last`, both included, at most 8,192: unverified, fewer if the chain ends.

        None when the server says there is no such volume: the caller's chain then leads nowhere.
        """
        count = last - first + 1
        assert 0 < count <= RECORDS_PER_REPLY, "the caller pages"
        try:
            return operations.parse_records(self._send(operations.records(volume, first, last)), count)
        except MissingItemError:
            return []

    def commit(self, volume: VolumeId, record: bytes, needs: Iterable[BlobId]) -> None:
        """Swap the head for `record`. A retry after a lost reply is safe: the record itself is in the chain then.

        Raises HeadMovedError with the head shown, MissingBlobsError with all ids to upload again: the refusal itself
        names only as many as an error answer holds, so the server is asked once for the rest. IntegrityError when it
        lacks what was never needed.
        """
        needed = frozenset(needs)
        try:
            self._send(operations.commit(volume, record, needed))
        except MissingBlobsError as error:
            if not error.missing <= needed:
                raise IntegrityError from error
            raise MissingBlobsError(error.missing | self.missing(volume, needed)) from error

    def feed(self, after: str, wait_s: float) -> FeedAnswer:
        """Ask whether a volume of the account has moved since the cursor `after`, "" for none: a hint, unverified.

        The server may hold the question for `wait_s`, at most 55 s; a connection of its own waits, so it holds up no
        other request. Sent once: whoever watches decides when to ask again (`FeedPace`), whatever it raises.
        """
        request = operations.feed(after, min(max(wait_s, 0.0), FEED_WAIT_MOST_S))
        return feed_answer(operations.parse(self._transport.send(request, self._bearer()), messages.FeedReply))

    # --- blobs --------------------------------------------------------------------------------------------------------

    def upload_pack(self, volume: VolumeId, ids: Sequence[BlobId], blobs: Sequence[bytes]) -> None:
        """Store `blobs`, whose ids are `ids`, durably. Raises IntegrityError when the server stored something else."""
        reply = self._send(operations.pack(volume, blobs))
        if reply.body != hashlib.sha256(b"".join(ids)).digest():
            raise IntegrityError

    def missing(self, volume: VolumeId, ids: Iterable[BlobId]) -> set[BlobId]:
        """Ask which ids are not stored."""
        return self._subset(operations.missing, volume, ids)

    def hold(self, volume: VolumeId, ids: Iterable[BlobId]) -> set[BlobId]:
        """Touch ids so that no sweep takes them; give those that are not stored."""
        return self._subset(operations.hold, volume, ids)

    def fetch_blobs(self, volume: VolumeId, ids: Sequence[BlobId]) -> Generator[tuple[BlobId, bytes], None, None]:
        """Stream blobs of a volume, as `fetch` does."""
        return self.fetch(lambda part: operations.blobs(volume, part), ids)

    def fetch(
        self, ask: Callable[[Sequence[BlobId]], Request], ids: Sequence[BlobId], *, may_be_gone: bool = False
    ) -> Generator[tuple[BlobId, bytes], None, None]:
        """Stream blobs in the order asked: NOT verified, one in memory at a time.

        `may_be_gone` says that whoever is asked may end it at any time, as a link's owner may: MissingItemError.

        What the server does not send at once is asked again, and so is the rest after a cut connection. Close the
        iterator to stop early. Raises IntegrityError for an id the server says it does not have: a verified root
        relies on it.
        """
        done = failures = 0
        while done < len(ids):
            before = done
            try:
                for blob in self._answered(ask, ids[done : done + IDS_PER_REQUEST], may_be_gone=may_be_gone):
                    yield ids[done], blob
                    done += 1
                if done == before:
                    reason = "the server sends no blobs at present"
                    raise RetryableError(reason)  # noqa: TRY301 -- counted like any other failure without progress
            except RetryableError as error:
                failures = 1 if done > before else failures + 1
                self._retry.pause(error, failures)

    def _answered(
        self, ask: Callable[[Sequence[BlobId]], Request], ids: Sequence[BlobId], *, may_be_gone: bool
    ) -> Iterator[bytes]:
        """Yield the blobs of one answer, up to the first that was not sent."""
        count = 0
        is_cut = False
        with closing(self._transport.stream(ask(ids), self._bearer())) as chunks:
            try:
                for frame in read_frames(chunks):
                    count += 1
                    if frame is Absent.NOT_SENT:
                        is_cut = True
                    elif count > len(ids) or is_cut or isinstance(frame, Absent):
                        raise IntegrityError
                    else:
                        yield frame
            except (ValueError, EOFError) as error:  # HTTP called the answer whole, so no cut connection explains this
                raise IntegrityError from error
            except MissingItemError as error:
                if may_be_gone:
                    raise
                raise IntegrityError from error  # the whole volume hidden, as bad as one of its blobs
        if count != len(ids):
            raise IntegrityError

    # --- links --------------------------------------------------------------------------------------------------------

    def add_link(self, request: messages.LinkRequest) -> None:
        """Make a link; making the same again is fine."""
        self._send(operations.add_link(request))

    def links(self) -> list[messages.LinkInfo]:
        """List this account's links, newest first, revoked ones included."""
        return operations.parse(self._send(operations.links()), messages.LinkList).links

    def update_link(self, link: bytes, request: messages.LinkUpdate) -> None:
        """Replace a link's record, expiry and limit; an older `seq` than the stored one is refused."""
        self._send(operations.update_link(link, request))

    def revoke_link(self, link: bytes) -> None:
        """End a link for ever. Raises MissingItemError."""
        self._send(operations.revoke_link(link))

    def link_log(self, link: bytes) -> list[messages.LinkOpening]:
        """List when a link was opened, newest first. Raises MissingItemError."""
        return operations.parse(self._send(operations.link_log(link)), messages.LinkLog).openings

    def open_link(self, link: bytes, proof: str) -> bytes:
        """Open a link as a visitor and give its sealed record, unverified. Opening again is the same opening.

        Raises NotLoggedInError for a proof that does not fit, MissingItemError for a link that is gone, expired or
        used up.
        """
        return operations.parse(self._send(operations.open_link(link, proof)), messages.LinkOpened).record

    # --- one request --------------------------------------------------------------------------------------------------

    def _subset(
        self, build: Callable[[VolumeId, Sequence[BlobId]], Request], volume: VolumeId, ids: Iterable[BlobId]
    ) -> set[BlobId]:
        """Ask about a set of any size, 65,536 ids at a time."""
        ordered = sorted(set(ids))
        found: set[BlobId] = set()
        for at in range(0, len(ordered), IDS_PER_REQUEST):
            part = ordered[at : at + IDS_PER_REQUEST]
            found |= operations.parse_subset(self._send(build(volume, part)), part)
        return found

    def _send(self, request: Request) -> Response:
        return self._retry.run(lambda: self._transport.send(request, self._bearer()))

    def _bearer(self) -> str:
        return self._token.reveal().decode() if self._token else ""
