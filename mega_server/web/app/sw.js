// The service worker of a link's page: it turns what the page decrypts into downloads and into media that can be sought.
// It holds no key. A request for /s/app/stream/<ticket>/<name> is offered to the pages; the one that made the ticket
// answers with a description and a port to pull the bytes from.

const STREAM = /^\/s\/app\/stream\/([A-Za-z0-9_-]{22})\//;
const ANSWER_MS = 10_000;
// A player asks for "everything from here": what it gets is short, so that it asks again for what it really needs.
const RANGE_MOST_BYTES = 256 << 10;

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => event.data === "replace" && event.waitUntil(replace()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const ticket = STREAM.exec(url.pathname)?.[1];
  if (url.origin === self.location.origin && ticket) event.respondWith(answer(event.request, ticket));
});

/**
 * Take the place of an older worker, if no other page may be using it: taking over would cut what it streams. Otherwise
 * the browser waits until those pages are closed. Any other message does nothing but keep a worker alive while it streams.
 */
async function replace() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.length <= 1) await self.skipWaiting();
}

async function answer(request, ticket) {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "");
  const begun = await begin(ticket, range);
  if (begun === null) return new Response("This page is closed: open the link again.", { status: 410 });
  const { size, start, end, name, type, port } = begun;
  if (range && start >= end) return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${size}` } });
  const headers = new Headers({
    "Content-Type": type ?? "application/octet-stream",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
  });
  if (type === null) headers.set("Content-Disposition", `attachment; filename*=UTF-8''${escaped(name)}`);
  if (size !== null) headers.set("Content-Length", String(end - start));
  if (size !== null) headers.set("Accept-Ranges", "bytes");
  if (range) headers.set("Content-Range", `bytes ${start}-${end - 1}/${size}`);
  return new Response(pulled(port), { status: range ? 206 : 200, headers });
}

/** Offer a ticket to every page; null when none knows it. */
async function begin(ticket, range) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const wanted = range && { start: Number(range[1]), end: range[2] === "" ? null : Number(range[2]) + 1 };
  const offers = pages.map(
    (page) =>
      new Promise((resolve, reject) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => (data === null ? reject(new Error("not mine")) : resolve({ ...data, port: port1 }));
        page.postMessage({ ticket, range: wanted, most: RANGE_MOST_BYTES }, [port2]);
        setTimeout(() => reject(new Error("no answer")), ANSWER_MS);
      }),
  );
  return Promise.any(offers).catch(() => null);
}

/**
 * Make a stream that asks for a piece when there is room for one. Who asks for the next has taken the bytes of the last one
 * (Fetch, "incrementally read"), so its memory goes back to be filled again.
 */
function pulled(port) {
  let last = null;
  return new ReadableStream(
    {
      pull(controller) {
        return new Promise((resolve) => {
          port.onmessage = ({ data }) => {
            if (data.piece) controller.enqueue((last = data.piece));
            else if (data.done) controller.close();
            else controller.error(new Error("what was shared did not verify, or the connection was lost"));
            resolve();
          };
          port.postMessage({ spare: last?.buffer }, last ? [last.buffer] : []);
          last = null;
        });
      },
      cancel() {
        port.postMessage("stop");
      },
    },
    { highWaterMark: 0 },
  );
}

/** Write a name for the header (RFC 8187). */
function escaped(name) {
  return encodeURIComponent(name).replace(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}
