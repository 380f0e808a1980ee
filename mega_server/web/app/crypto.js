// Cryptography of a link's reader (docs/formats): derivation, records, blobs. libsodium does the work.
// Nothing is returned before it has verified; every failure to verify is the one refusal.

import sodium from "./vendor/libsodium-wrappers.mjs";
import { ascii, equal, isZero, join, pad16 } from "./bytes.js";
import { Refusal, check } from "./refusal.js";

await sodium.ready;
let place = null;

const PLACE_BYTES = 5 << 20; // larger than any blob, which `most` sees to
const LINK_RECORD = 3;
const LINK_PASSES = 3;
const LINK_MEMORY_BYTES = 64 * 1024 * 1024;

/** Derive n bytes for one label. */
export function kdf(key, label, salt = new Uint8Array(0), n = 32) {
  return sodium.crypto_generichash_blake2b_salt_personal(n, key, pad16(salt), pad16(ascii(label)));
}

/** Authenticate a message: 32 bytes. */
export function mac(key, label, message, salt = new Uint8Array(0)) {
  return sodium.crypto_generichash(32, message, kdf(key, label, salt));
}

/** SHA-256, by the browser's own code where the page may use it: that is far faster. */
export async function sha256(bytes) {
  const subtle = globalThis.crypto?.subtle;
  return subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : sodium.crypto_hash_sha256(bytes);
}

/** Check an Ed25519 signature over a context, padded to 16 bytes, and a message. */
export function verify(publicKey, context, message, signature) {
  let isSigned = false;
  try {
    isSigned = sodium.crypto_sign_verify_detached(signature, join(pad16(ascii(context)), message), publicKey);
  } catch {
    // a key that is no point of the curve
  }
  check(isSigned);
}

/** Derive the two keys of a link; a password takes 64 MiB and about a second on a phone. */
export function linkKeys(secret, linkId, password) {
  let key = secret;
  if (password !== null) {
    const salt = kdf(secret, "mega1/link/salt", linkId, 16);
    const text = new TextEncoder().encode(password.normalize("NFKC"));
    const algorithm = sodium.crypto_pwhash_ALG_ARGON2ID13;
    const stretched = sodium.crypto_pwhash(32, text, salt, LINK_PASSES, LINK_MEMORY_BYTES, algorithm);
    key = mac(secret, "mega1/link/pw", stretched);
  }
  const linkKey = kdf(key, "mega1/link/key", linkId);
  return { auth: kdf(linkKey, "mega1/link/auth"), record: kdf(linkKey, "mega1/link/rec") };
}

/** Open a link's record: length, version, type, commitment, then the cipher. */
export function openRecord(key, context, record, length) {
  check(record.length === length);
  checkMagic(record, "MGS");
  const clear = record.subarray(0, 64);
  const expected = mac(key, "mega1/rec/commit", join(clear.subarray(0, 32), context));
  check(clear[4] === LINK_RECORD && isZero(clear.subarray(5, 8)) && equal(clear.subarray(32), expected));
  try {
    const additional = join(clear, context);
    const nonce = clear.subarray(8, 32);
    const sealed = record.subarray(64);
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed, additional, nonce, kdf(key, "mega1/rec/enc"));
  } catch {
    throw new Refusal("tampered");
  }
}

/**
 * Open a blob of at most `most` bytes: size, SHA-256 = id, magic, commitment, box. The box is opened in libsodium's own
 * memory, in one place, and copied to `into` or an array of its own.
 */
export async function openBlob(blob, id, key, most, into = null) {
  check(blob.length >= 52 && blob.length <= most && equal(await sha256(blob), id));
  checkMagic(blob, "MGB");
  check(equal(blob.subarray(4, 36), kdf(key, "mega1/blob/com")));
  const lib = sodium.libsodium;
  const { box, secret, nonce } = (place ??= { box: lib._malloc(PLACE_BYTES), secret: lib._malloc(32), nonce: lib._malloc(24) });
  lib.HEAPU8.set(blob.subarray(36), box);
  lib.HEAPU8.set(kdf(key, "mega1/blob/enc"), secret);
  lib.HEAPU8.fill(0, nonce, nonce + 24);
  check(lib._crypto_secretbox_open_easy(box, box, blob.length - 36, 0, nonce, secret) === 0);
  const plain = lib.HEAPU8.subarray(box, box + blob.length - 52);
  if (into === null) return plain.slice();
  into.set(plain);
  return into.subarray(0, plain.length);
}

function checkMagic(raw, magic) {
  check(equal(raw.subarray(0, 3), ascii(magic)));
  if (raw[3] !== 1) throw new Refusal("newer");
}
