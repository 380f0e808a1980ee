// A download: through the service worker where there is one, whole in memory where there is not; progress either way.

import { announce, button, durationText, make, sizeText } from "./dom.js";
import { nameText, savedName } from "./names.js";
import { Refusal } from "./refusal.js";

const WHOLE_MOST_BYTES = 256 << 20;
const SHOWN_EACH_MS = 250;
const SPEED_OVER_MS = 5_000;

let running = 0;
// Whoever closes the page cuts what is on its way.
addEventListener("beforeunload", (event) => running && event.preventDefault());

/** Make a button that saves a file, or a folder as a zip, and shows how far it is. */
export function download({ backend, streams, item, label, name = item.name, className = "" }) {
  const bar = make("progress", { max: item.size || 1, value: 0, "aria-label": `Downloaded of ${name}` });
  const note = make("p", { className: "quiet" }, "Decrypted on your device, while it arrives.");
  const begin = button(label, start, className);
  const box = make("div", { className: "download idle" }, begin, make("div", { className: "gauge" }, bar, note));
  box.dataset.name = nameText(name);
  if (!isPossible(streams, item)) note.textContent = new Refusal("too-large").message;
  begin.disabled = !isPossible(streams, item);

  async function start() {
    const meter = new Meter({ backend, bar, note, total: item.kind === "f" ? item.size : null });
    begin.disabled = true;
    box.className = "download running";
    running += 1;
    try {
      const save = streams.isAble ? saveStreamed : saveWhole;
      await save({ backend, streams, item, name: savedName(name), meter, box });
      meter.finish(`Saved, ${sizeText(meter.bytes)}, every byte verified.`);
      box.className = "download idle";
    } catch (error) {
      meter.finish(error.kind === "stopped" ? "Stopped." : error.message);
      box.className = error.kind === "stopped" ? "download idle" : "download failed";
    }
    running -= 1;
    begin.disabled = false;
  }
  return box;
}

function isPossible(streams, item) {
  return streams.isAble || (item.kind === "f" && item.size <= WHOLE_MOST_BYTES);
}

/** Let the browser save what the service worker streams; ends when the last byte has been handed over. */
async function saveStreamed({ streams, item, name, meter, box }) {
  let address = "";
  try {
    await new Promise((resolve, reject) => {
      const watch = ({ bytes, done, refused }) => {
        if (bytes) meter.add(bytes);
        if (done && refused === "stopped") reject(Object.assign(new Error("stopped"), { kind: "stopped" }));
        else if (done && refused) reject(new Refusal(refused));
        else if (done) resolve();
      };
      address = streams.address(item, { name, watch });
      // A plain link: browsers keep requests of links with `download` from service workers. The answer is an attachment.
      const link = make("a", { href: address, hidden: true });
      box.append(link);
      link.click();
      link.remove();
    });
  } finally {
    streams.release(address);
  }
}

/** Fetch a file into memory and save it. */
async function saveWhole({ backend, item, name, meter }) {
  const pieces = [];
  for await (const piece of backend.pieces(item)) {
    pieces.push(piece);
    meter.add(piece.length);
  }
  const url = URL.createObjectURL(new Blob(pieces, { type: "application/octet-stream" }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Bytes, speed and time left. */
class Meter {
  constructor({ backend, bar, note, total }) {
    Object.assign(this, { backend, bar, note, total, bytes: 0, quarters: 0, past: [[performance.now(), 0]] });
    if (total === null) bar.removeAttribute("value");
    this.show();
    this.timer = setInterval(() => this.show(), SHOWN_EACH_MS);
  }

  add(bytes) {
    this.bytes += bytes;
  }

  show() {
    const now = performance.now();
    this.past.push([now, this.bytes]);
    while (this.past[0][0] < now - SPEED_OVER_MS) this.past.shift();
    const [since, had] = this.past[0];
    const speed = ((this.bytes - had) * 1000) / Math.max(SHOWN_EACH_MS, now - since);
    const parts = [sizeText(this.bytes) + (this.total === null ? "" : ` of ${sizeText(this.total)}`)];
    if (this.backend.isCutOff) parts.push("connection lost, trying again…");
    else if (speed) parts.push(`${sizeText(Math.round(speed))}/s`);
    if (speed && this.total) parts.push(`${durationText((this.total - this.bytes) / speed)} left`);
    this.note.textContent = parts.join(" · ");
    if (!this.total) return;
    this.bar.value = this.bytes;
    const quarters = Math.floor((4 * this.bytes) / this.total);
    if (quarters > this.quarters && quarters < 4) announce(`${25 * quarters} percent`);
    this.quarters = quarters;
  }

  finish(sentence) {
    clearInterval(this.timer);
    this.note.textContent = sentence;
    announce(sentence);
  }
}
