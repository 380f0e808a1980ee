// Bytes: joining, comparing, and the few encodings of version 1. Integers are big-endian.

/** Join byte arrays. */
export function join(...parts) {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Compare without an early end. */
export function equal(one, two) {
  let difference = one.length ^ two.length;
  for (let at = 0; at < one.length; at++) difference |= one[at] ^ two[at];
  return difference === 0;
}

/** Order two byte arrays as memcmp does: the order of names. */
export function compare(one, two) {
  const length = Math.min(one.length, two.length);
  for (let at = 0; at < length; at++) if (one[at] !== two[at]) return one[at] - two[at];
  return one.length - two.length;
}

/** Tell whether every byte is zero. */
export function isZero(bytes) {
  return bytes.every((byte) => byte === 0);
}

/** Write ASCII. */
export function ascii(text) {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Pad with zeros to 16 bytes: labels, contexts and salts. */
export function pad16(bytes) {
  return join(bytes, new Uint8Array(16 - bytes.length));
}

/** Read four bytes. */
export function uint32(bytes, at) {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

/** Read eight bytes as a BigInt. */
export function uint64(bytes, at) {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at);
}

/** Read base64url without padding, strictly: null when another text would give the same bytes, or none. */
export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return toBase64url(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}

/** Write base64url without padding. */
export function toBase64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Write lower-case hexadecimal. */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
