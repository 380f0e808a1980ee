// Runs a known-answer vector against the page's own code, in the browser: what came of it, and the result.

import { compare, hex } from "/s/app/bytes.js";
import { kdf, linkKeys, mac, openBlob, sha256 } from "/s/app/crypto.js";
import { decodeList, decodePage, openLinkRecord, openObject, padme, parseLink, readRefs } from "/s/app/formats.js";
import { decode } from "/s/app/msgpack.js";
import { Refusal } from "/s/app/refusal.js";

const OUTCOMES = { tampered: "integrity", newer: "policy", untrusted: "untrusted", cut: "usage", "lost-key": "usage", "no-link": "usage" };

function bytes(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function utf8(text) {
  return text === undefined ? null : new TextEncoder().encode(text);
}

const runners = {
  kdf: ({ key, label, salt, n, message }) =>
    hex(message === undefined ? kdf(bytes(key), label, bytes(salt), n) : mac(bytes(key), label, bytes(message), bytes(salt))),
  "link-keys": ({ secret, link_id, password }) => {
    const { auth, record } = linkKeys(bytes(secret), bytes(link_id), password || null);
    return { auth: hex(auth), record: hex(record) };
  },
  "link-url": ({ url }) => {
    const { pathname, origin, hash } = new URL(url);
    const { linkId, hasPassword, secret, pin } = parseLink(pathname.split("/")[2], hash.slice(1));
    return { base: origin, link_id: hex(linkId), secret: hex(secret), pin: hex(pin), has_password: hasPassword };
  },
  "link-record": async ({ record_key, link_id, pin, record }) => {
    const { seq, expiresMs, entry } = await openLinkRecord(bytes(record_key), bytes(link_id), bytes(pin), bytes(record));
    const refs = entry.refs.map(({ id, key }) => hex(id) + hex(key)).join("");
    return { seq: String(seq), expires_ms: expiresMs, name: entry.name, kind: entry.kind, refs };
  },
  blob: async ({ blob, id, ck }) => hex(await openBlob(bytes(blob), bytes(id), bytes(ck), 1 << 20)),
  object: async ({ blob, ref }) => {
    const plain = await openObject(bytes(blob), readRefs(bytes(ref))[0]);
    return { sha256: hex(await sha256(plain)), size: plain.length };
  },
  list: ({ raw, ref, repeat = 1, must_be_full = false }) =>
    decodeList(bytes(raw.repeat(repeat)), readRefs(bytes(ref))[0], must_be_full).slice(0, 8).map(({ id }) => hex(id)),
  page: ({ raw, first, below }) => {
    const { level, items } = decodePage(bytes(raw), { first: utf8(first), below: utf8(below) });
    return { level, names: items.map(({ nameBytes }) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(nameBytes)) };
  },
  padme: ({ n }) => padme(n),
};

globalThis.run = async (layout, vector) => {
  try {
    return ["ok", await runners[layout](vector)];
  } catch (error) {
    if (error instanceof Refusal) return [OUTCOMES[error.kind], null];
    return [error instanceof RangeError || error instanceof TypeError || error.name === "Error" ? "value" : error.name, String(error)];
  }
};
globalThis.parts = { compare, decode };
document.title = "ready";
