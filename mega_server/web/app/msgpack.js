// MessagePack, as strict as pages need it: arrays, maps, integers, text and bytes, each in its one shortest form.

import { check } from "./refusal.js";

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Read one whole value. Bytes come as views, integers beyond 2^53 as BigInt, maps as Map; an array's `size` is the bytes
 * that its items take.
 */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  check(reader.at === bytes.length);
  return value;
}

const DEEPEST = 8;

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }

  /** Read the value that begins here. */
  value(depth) {
    check(depth <= DEEPEST);
    const kind = this.uint(1);
    if (kind <= 0x7f) return kind;
    if (kind <= 0x8f) return this.map(kind & 15, depth);
    if (kind <= 0x9f) return this.array(kind & 15, depth);
    if (kind <= 0xbf) return this.text(kind & 31);
    if (kind >= 0xe0) return kind - 256;
    switch (kind) {
      case 0xc4: return this.slice(this.length(1, 0));
      case 0xc5: return this.slice(this.length(2, 0x100));
      case 0xc6: return this.slice(this.length(4, 0x10000));
      case 0xcc: return this.atLeast(this.uint(1), 0x80);
      case 0xcd: return this.atLeast(this.uint(2), 0x100);
      case 0xce: return this.atLeast(this.uint(4), 0x10000);
      case 0xcf: return this.long(this.take(8), false);
      case 0xd0: return this.below(this.view.getInt8(this.take(1)), -32);
      case 0xd1: return this.below(this.view.getInt16(this.take(2)), -0x80);
      case 0xd2: return this.below(this.view.getInt32(this.take(4)), -0x8000);
      case 0xd3: return this.long(this.take(8), true);
      case 0xd9: return this.text(this.length(1, 32));
      case 0xda: return this.text(this.length(2, 0x100));
      case 0xdb: return this.text(this.length(4, 0x10000));
      case 0xdc: return this.array(this.length(2, 16), depth);
      case 0xdd: return this.array(this.length(4, 0x10000), depth);
      case 0xde: return this.map(this.length(2, 16), depth);
      default: return check(false);
    }
  }

  /** Pass so many bytes, and give where they began. */
  take(count) {
    check(this.at + count <= this.bytes.length);
    this.at += count;
    return this.at - count;
  }

  uint(width) {
    const at = this.take(width);
    return width === 1 ? this.view.getUint8(at) : width === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  length(width, least) {
    return this.atLeast(this.uint(width), least);
  }

  atLeast(number, least) {
    check(number >= least);
    return number;
  }

  below(number, bound) {
    check(number < bound);
    return number;
  }

  long(at, isSigned) {
    const number = isSigned ? this.view.getBigInt64(at) : this.view.getBigUint64(at);
    check(isSigned ? number < -0x80000000n : number > 0xffffffffn);
    return number >= Number.MIN_SAFE_INTEGER && number <= Number.MAX_SAFE_INTEGER ? Number(number) : number;
  }

  slice(length) {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  text(length) {
    try {
      return text.decode(this.slice(length));
    } catch {
      return check(false);
    }
  }

  array(count, depth) {
    check(count <= this.bytes.length);
    const begun = this.at;
    const items = [];
    while (items.length < count) items.push(this.value(depth + 1));
    items.size = this.at - begun;
    return items;
  }

  map(count, depth) {
    check(count <= this.bytes.length);
    const found = new Map();
    for (let seen = 0; seen < count; seen++) found.set(this.value(depth + 1), this.value(depth + 1));
    check(found.size === count);
    return found;
  }
}
