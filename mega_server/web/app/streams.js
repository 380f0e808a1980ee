// How a page gets at decrypted bytes: calls to the worker, tickets for the service worker, progress of what runs.

import { toBase64url } from "./bytes.js";
import { Refusal } from "./refusal.js";

const PING_MS = 10_000;

/** The worker, as promises. */
export class Backend {
  constructor() {
    this.waiting = new Map();
    this.isCutOff = false;
    this.ready = new Promise((resolve, reject) => {
      this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
      this.worker.onerror = () => reject(new Refusal("old-browser"));
      this.worker.onmessage = ({ data }) => (data.isReady ? resolve() : this.heard(data));
    });
  }

  heard({ id, result, refused, isWaiting }) {
    if (isWaiting !== undefined) {
      this.isCutOff = isWaiting;
      return;
    }
    const { resolve, reject } = this.waiting.get(id);
    this.waiting.delete(id);
    if (refused) reject(new Refusal(refused));
    else resolve(result);
  }

  /** Ask for something; objects of `transfer` move to the worker. */
  async call(call, asked, transfer = []) {
    await this.ready;
    const id = crypto.getRandomValues(new Uint32Array(1))[0];
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ call, id, ...asked }, transfer);
    });
  }

  /** Yield a file's bytes, verified, as they are asked for. */
  async *pieces({ node, size }) {
    const { port1, port2 } = new MessageChannel();
    await this.call("stream", { node, start: 0, end: size, port: port2 }, [port2]);
    try {
      for (;;) {
        const { piece, done, refused } = await new Promise((resolve) => {
          port1.onmessage = ({ data }) => resolve(data);
          port1.postMessage({});
        });
        if (done) return;
        if (refused) throw new Refusal(refused);
        yield piece;
      }
    } finally {
      port1.postMessage("stop");
    }
  }

  /** Give a file that memory holds. */
  async blob(item, type) {
    const pieces = [];
    for await (const piece of this.pieces(item)) pieces.push(piece);
    return new Blob(pieces, { type });
  }
}

/** Files on their way to the disk or to a player, through the service worker. */
export class Streams {
  constructor(backend) {
    this.backend = backend;
    this.tickets = new Map();
    this.isAble = false;
  }

  /** Start the service worker; not able where the browser has none for this page (plain http to another machine). */
  async start() {
    const workers = navigator.serviceWorker;
    if (!workers) return;
    workers.onmessage = ({ data, ports: [port] }) => this.offered(data, port);
    try {
      const registration = await workers.register("/s/app/sw.js", { scope: "/s/", updateViaCache: "none" });
      registration.waiting?.postMessage("replace");
    } catch {
      return;
    }
    await workers.ready;
    if (!workers.controller) {
      await new Promise((resolve) => workers.addEventListener("controllerchange", resolve, { once: true }));
    }
    setInterval(() => this.tickets.size && workers.controller?.postMessage("ping"), PING_MS);
    this.isAble = true;
  }

  /** Give the address of an item's bytes. `type` null: a download. `watch` hears {bytes} and at the end {done, refused}. */
  address(item, { type = null, name = item.name, watch = () => {} } = {}) {
    const ticket = toBase64url(crypto.getRandomValues(new Uint8Array(16)));
    this.tickets.set(ticket, { item, type, name, watch });
    return `/s/app/stream/${ticket}/${encodeURIComponent(name)}`;
  }

  /** Forget an address. */
  release(address) {
    this.tickets.delete(address.split("/")[4]);
  }

  /** Answer the service worker: null for a ticket of another page. */
  offered({ ticket, range, most }, port) {
    const found = this.tickets.get(ticket);
    if (!found) {
      port.postMessage(null);
      return;
    }
    const { item, type, name, watch } = found;
    const size = item.kind === "f" ? item.size : null;
    const start = Math.min(range?.start ?? 0, size ?? 0);
    const end = range ? Math.min(range.end ?? size, size, start + most) : size;
    port.postMessage({ size, start, end, name, type });
    const { port1, port2 } = new MessageChannel();
    this.backend.call("stream", { node: item.node, start, end, port: port2 }, [port2]).catch(() => {});
    port.onmessage = ({ data }) => {
      port1.postMessage(data, data.spare ? [data.spare] : []);
      if (data === "stop") watch({ done: true, refused: "stopped" });
    };
    port1.onmessage = ({ data }) => {
      if (data.piece) {
        watch({ bytes: data.piece.length });
        port.postMessage(data, [data.piece.buffer]);
        return;
      }
      watch({ done: true, refused: data.refused });
      port.postMessage(data);
    };
  }
}
